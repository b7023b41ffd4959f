package sqlite

import (
	"encoding/binary"
	"errors"

	"qiantang.dev/rails/internal/ledger/reader"
)

// errMalformed says that a page is not what the file format (https://www.sqlite.org/fileformat2.html) has in its place.
var errMalformed = errors.New("database page is malformed")

// varint reads one of the format's integers of one to nine bytes; n is 0 where b ends before it.
func varint(b []byte) (v uint64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	for i, c := range b {
		if i == 8 {
			return v<<8 | uint64(c), 9
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// journalNames are the journal's columns in the order of the file. A migration only adds columns behind them.
var journalNames = [...]string{"seq", "booked", "id", "kind", "debit", "credit", "currency", "amount", "released", "ref", "expires", "value_date",
	"code", "reference", "win", "sum"}

// record is a row in the record format: a type for each column, and the columns' bytes.
type record struct {
	types [len(journalNames)]uint64
	body  []byte
	next  int // the column that body begins with
}

// open reads the types of the columns.
func (r *record) open(payload []byte) error {
	size, n := varint(payload)
	if n == 0 || size > uint64(len(payload)) || size < uint64(n) {
		return errMalformed
	}
	head := payload[n:size]
	for i := range r.types {
		t, n := varint(head)
		if n == 0 {
			return errMalformed
		}
		r.types[i], head = t, head[n:]
	}
	r.body, r.next = payload[size:], 0
	return nil
}

// widths are the bytes of the types below 12; from 12 on a type says its length itself.
var widths = [12]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8}

// column is the next column's type and bytes.
func (r *record) column() (t uint64, b []byte) {
	t = r.types[r.next]
	r.next++
	var n uint64
	if t < 12 {
		n = uint64(widths[t])
	} else {
		n = (t - 12) / 2
	}
	if n > uint64(len(r.body)) {
		r.body = nil
		return 0, nil
	}
	b, r.body = r.body[:n], r.body[n:]
	return t, b
}

// number is the next column as an integer; what is none counts as 0, and then disagrees with the entry's checksum.
func (r *record) number() int64 {
	switch t, b := r.column(); t {
	case 1:
		return int64(int8(b[0]))
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 3:
		return int64(int8(b[0]))<<16 | int64(binary.BigEndian.Uint16(b[1:]))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	case 5:
		return int64(int16(binary.BigEndian.Uint16(b)))<<32 | int64(binary.BigEndian.Uint32(b[2:]))
	case 6:
		return int64(binary.BigEndian.Uint64(b))
	case 9:
		return 1
	}
	return 0
}

// bytes is the next column as a text or blob, nothing where it is neither.
func (r *record) bytes() []byte {
	if t, b := r.column(); t >= 12 {
		return b
	}
	return nil
}

// entry reads a journal row, but for its number, whose place in the record is empty.
func (r *record) entry(payload []byte, raw *reader.Raw) error {
	if err := r.open(payload); err != nil {
		return err
	}
	r.column()
	raw.Booked = r.number()
	raw.ID = [16]byte{}
	copy(raw.ID[:], r.bytes())
	raw.Kind = uint8(r.number())
	raw.DebitNo, raw.CreditNo = uint64(r.number()), uint64(r.number())
	raw.Currency, raw.Amount, raw.Released = r.bytes(), r.number(), r.number()
	raw.Ref = [16]byte{}
	copy(raw.Ref[:], r.bytes())
	raw.Expires, raw.ValueDate = r.number(), int32(r.number())
	raw.Code, raw.Reference, raw.Window, raw.Sum = r.bytes(), r.bytes(), r.bytes(), r.number()
	return nil
}
