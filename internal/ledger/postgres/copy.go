package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"qiantang.dev/rails/internal/ledger/reader"
)

// copyColumns are a Raw's columns as copyParser reads them. Those that are never NULL and of a fixed width come first, so that their values
// lie at fixed places of a row: a count of fields in two bytes, then each field's length in four bytes and its value.
const copyColumns = `seq, booked, amount, released, debit, credit, sum, value_date, kind, id, ref, expires, currency, code, reference, win`

// Where the values of a row lie: seven numbers of eight bytes, one of four, one of two, and the ID; behind them begins what may be NULL or of any length.
const (
	seqAt      = 6
	bookedAt   = seqAt + 12
	amountAt   = bookedAt + 12
	releasedAt = amountAt + 12
	debitAt    = releasedAt + 12
	creditAt   = debitAt + 12
	sumAt      = creditAt + 12
	dateAt     = sumAt + 12
	kindAt     = dateAt + 8
	idAt       = kindAt + 6
	restAt     = idAt + 16
)

const (
	// copyHeader is the length of the signature, the flags and the length of the extension, which is empty.
	copyHeader = 19
	// copyTrailer is the count of fields behind the last row.
	copyTrailer = math.MaxUint16
)

var errWidth = errors.New("a column of the journal has another width than its type")

// copyParser reads COPY's binary format as it arrives. pgconn hands it one row, or the header, at a time; what does not end with a
// write is kept for the next.
type copyParser struct {
	each   func(*reader.Raw) error
	raw    reader.Raw
	kept   []byte
	header bool
	err    error
}

func (p *copyParser) Write(b []byte) (int, error) {
	n := len(b)
	if len(p.kept) > 0 {
		p.kept = append(p.kept, b...)
		b = p.kept
	}
	if !p.header {
		if len(b) < copyHeader {
			p.keep(b)
			return n, nil
		}
		b, p.header = b[copyHeader:], true
	}
	for len(b) > 0 {
		used, err := p.row(b)
		if errors.Is(err, io.ErrShortBuffer) {
			break
		}
		if err != nil {
			p.err = err
			return 0, err
		}
		b = b[used:]
	}
	p.keep(b)
	return n, nil
}

func (p *copyParser) keep(b []byte) { p.kept = append(p.kept[:0], b...) }

// row reads the row that b begins with and returns its length.
func (p *copyParser) row(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, io.ErrShortBuffer
	}
	if binary.BigEndian.Uint16(b) == copyTrailer {
		return len(b), nil
	}
	if len(b) < restAt {
		return 0, io.ErrShortBuffer
	}
	if !fixed(b) {
		return 0, fmt.Errorf("journal after entry %d: %w", p.raw.Seq, errWidth)
	}
	r := &p.raw
	r.Seq, r.Booked, r.Amount, r.Released = uint64(long(b, seqAt)), long(b, bookedAt), long(b, amountAt), long(b, releasedAt)
	r.DebitNo, r.CreditNo, r.Sum = uint64(long(b, debitAt)), uint64(long(b, creditAt)), long(b, sumAt)
	r.ValueDate, r.Kind = int32(binary.BigEndian.Uint32(b[dateAt:])), uint8(binary.BigEndian.Uint16(b[kindAt:]))
	r.ID, r.Ref, r.Expires = [16]byte(b[idAt:restAt]), [16]byte{}, 0
	at := restAt
	var ref, expires []byte
	for _, f := range [...]*[]byte{&ref, &expires, &r.Currency, &r.Code, &r.Reference, &r.Window} {
		if len(b) < at+4 {
			return 0, io.ErrShortBuffer
		}
		n := int(int32(binary.BigEndian.Uint32(b[at:])))
		at += 4
		if n < 0 { // NULL
			*f = nil
			continue
		}
		if len(b) < at+n {
			return 0, io.ErrShortBuffer
		}
		*f = b[at : at+n]
		at += n
	}
	copy(r.Ref[:], ref)
	if len(expires) == 8 {
		r.Expires = long(expires, 0)
	}
	return at, p.each(r)
}

func long(b []byte, at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }

// fixed reports whether the fields of a fixed width have that width.
func fixed(b []byte) bool {
	for at := seqAt; at <= sumAt; at += 12 {
		if binary.BigEndian.Uint32(b[at-4:]) != 8 {
			return false
		}
	}
	return binary.BigEndian.Uint32(b[dateAt-4:]) == 4 && binary.BigEndian.Uint32(b[kindAt-4:]) == 2 && binary.BigEndian.Uint32(b[idAt-4:]) == 16
}
