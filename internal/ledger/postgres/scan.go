package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/jackc/pgx/v5/pgconn"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/reader"
)

// ScanJournal is the reader's, by COPY in binary: an audit of millions of entries is bound by this.
func (l *Ledger) ScanJournal(ctx context.Context, after, until uint64, each func(*reader.Raw) error) error {
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return &ledger.UnavailableError{Err: err}
	}
	defer conn.Release()
	p := &copyParser{each: each}
	sql := fmt.Sprintf("COPY (SELECT %s FROM journal WHERE seq > %d AND seq <= %d ORDER BY seq) TO STDOUT (FORMAT binary)",
		reader.JournalColumns, after, min(until, math.MaxInt64))
	_, err = conn.Conn().PgConn().CopyTo(ctx, p, sql)
	switch {
	case p.err != nil:
		return p.err
	case err != nil:
		return &ledger.UnavailableError{Err: err}
	}
	return nil
}

// copyParser reads COPY's binary format as it arrives. pgconn hands it one row, or the header, at a time; what does not end with a
// write is kept for the next.
type copyParser struct {
	each   func(*reader.Raw) error
	raw    reader.Raw
	kept   []byte
	header bool
	err    error
}

// copyHeader is the length of the signature, the flags and the length of the extension, which is empty.
const copyHeader = 19

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

// row reads one row: a count of fields, then each field's length and bytes.
func (p *copyParser) row(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, io.ErrShortBuffer
	}
	if binary.BigEndian.Uint16(b) == math.MaxUint16 {
		return len(b), nil // the trailer
	}
	at := 2
	short := false
	field := func() []byte {
		if len(b) < at+4 {
			short = true
			return nil
		}
		n := int32(binary.BigEndian.Uint32(b[at:]))
		at += 4
		if n < 0 {
			return nil
		}
		if len(b) < at+int(n) {
			short = true
			return nil
		}
		at += int(n)
		return b[at-int(n) : at]
	}
	number := func() int64 {
		switch f := field(); len(f) {
		case 2:
			return int64(int16(binary.BigEndian.Uint16(f)))
		case 4:
			return int64(int32(binary.BigEndian.Uint32(f)))
		case 8:
			return int64(binary.BigEndian.Uint64(f))
		}
		return 0
	}
	id := func() (v [16]byte) {
		copy(v[:], field())
		return v
	}
	r := &p.raw
	r.Seq, r.Booked, r.ID, r.Kind, r.Currency, r.Amount, r.Released = uint64(number()), number(), id(), uint8(number()), field(), number(), number()
	r.Ref, r.Expires, r.ValueDate, r.Code, r.Reference, r.Window = id(), number(), int32(number()), field(), field(), field()
	r.DebitNo, r.CreditNo, r.Sum = uint64(number()), uint64(number()), number()
	if short {
		return 0, io.ErrShortBuffer
	}
	return at, p.each(r)
}

// SaveCheckpoint keeps a signed note about the journal's first size entries; the same size may be saved again.
func (l *Ledger) SaveCheckpoint(ctx context.Context, size uint64, note string) error {
	if _, err := l.pool.Exec(ctx, `INSERT INTO checkpoint (size, note) VALUES ($1, $2) ON CONFLICT DO NOTHING`, size, note); err != nil {
		var e *pgconn.PgError
		if errors.As(err, &e) {
			return fmt.Errorf("save checkpoint of %d entries: %w", size, err)
		}
		return &ledger.UnavailableError{Err: err}
	}
	return nil
}
