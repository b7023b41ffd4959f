package engine

import (
	"crypto/sha256"
	"encoding/binary"

	"qiantang.dev/rails/internal/ledger"
)

// digest tells a record's content from any other.
func digest(state, group string, due int64, body []byte) [32]byte {
	var short [2048]byte // on the stack: most bodies fit
	b := short[:0]
	b = append(append(b, state...), 0)
	b = append(append(b, group...), 0)
	b = binary.BigEndian.AppendUint64(b, uint64(due))
	return sha256.Sum256(append(b, body...))
}

// Digest is the checksum that is stored with a record: of its state, group, due time and body.
func Digest(r *ledger.Record) [32]byte {
	return digest(r.State, r.Group, ledger.Micros(r.Due), r.Body)
}

// ring remembers the last limit values.
type ring[T any] struct {
	limit, next int
	values      []T
}

// push adds v and returns the value that it drives out.
func (r *ring[T]) push(v T) (old T, out bool) {
	if len(r.values) < r.limit {
		r.values = append(r.values, v)
		return old, false
	}
	old, r.values[r.next] = r.values[r.next], v
	r.next = (r.next + 1) % r.limit
	return old, true
}
