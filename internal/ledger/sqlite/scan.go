package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/reader"
)

// ScanJournal is the reader's, from the file's pages as SQLite reads them in a transaction of its own (sqlite_dbpage): an audit of millions
// of entries is bound by what a column costs, and costs a fifth so. A journal of another shape than ours, or a
// SQLite built without that table, is read by SQL.
func (l *Ledger) ScanJournal(ctx context.Context, after, until uint64, each func(*reader.Raw) error) error {
	tx, err := l.DB().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return &ledger.UnavailableError{Err: err}
	}
	defer func() { _ = tx.Rollback() }()
	s := &scan{tx: tx, after: int64(min(after, math.MaxInt64)), until: int64(min(until, math.MaxInt64)), each: each}
	root, err := s.open(ctx)
	if err == nil && root != 0 {
		err = s.tree(ctx, root, maxDepth)
	}
	if err == nil && root == 0 {
		_ = tx.Rollback() // its connection may be the last one
		return l.Reader.ScanJournal(ctx, after, until, each)
	}
	return err
}

// maxDepth bounds the levels of a tree: SQLite's own bound.
const maxDepth = 20

// The kinds of page that a table is made of.
const (
	interiorPage = 0x05
	leafPage     = 0x0d
)

// scan reads the table of the journal.
type scan struct {
	tx           *sql.Tx
	after, until int64
	each         func(*reader.Raw) error
	usable       int // bytes of a page
	last         int64
	raw          reader.Raw
	record       record
	spilled      []byte
}

// open finds the journal's root page, 0 where the journal is not the table that it was made as.
func (s *scan) open(ctx context.Context) (root uint32, err error) {
	var names []string
	rows, err := s.tx.QueryContext(ctx, `SELECT s.rootpage, c.name FROM sqlite_schema s, pragma_table_info(s.name) c
		WHERE s.type = 'table' AND s.name = 'journal' AND EXISTS (SELECT 1 FROM pragma_module_list WHERE name = 'sqlite_dbpage') ORDER BY c.cid`)
	if err != nil {
		return 0, &ledger.UnavailableError{Err: err}
	}
	if names, err = reader.Collect(rows, func(r reader.Scanner) (name string, err error) { return name, r.Scan(&root, &name) }); err != nil {
		return 0, &ledger.UnavailableError{Err: err}
	}
	if len(names) < len(journalNames) || !slices.Equal(names[:len(journalNames)], journalNames[:]) {
		return 0, nil
	}
	first, err := s.page(ctx, 1)
	if err != nil {
		return 0, err
	}
	const reserved = 20 // the header's byte that says how much of each page is not ours
	s.usable = len(first) - int(first[reserved])
	return root, nil
}

// page is one page's bytes.
func (s *scan) page(ctx context.Context, no uint32) (page []byte, err error) {
	err = s.pages(ctx, []uint32{no}, func(_ uint32, b []byte) error {
		page = slices.Clone(b)
		return nil
	})
	return page, err
}

// pages calls visit for pages in the order of their numbers in nos.
func (s *scan) pages(ctx context.Context, nos []uint32, visit func(no uint32, b []byte) error) error {
	rows, err := s.tx.QueryContext(ctx, `SELECT p.pgno, p.data FROM json_each(?1) n CROSS JOIN sqlite_dbpage p WHERE p.pgno = n.value ORDER BY n.key`, list(nos))
	if err != nil {
		return &ledger.UnavailableError{Err: err}
	}
	defer func() { _ = rows.Close() }()
	var data sql.RawBytes
	var no uint32
	for rows.Next() {
		if err := rows.Scan(&no, &data); err != nil {
			return &ledger.UnavailableError{Err: err}
		}
		if len(nos) == 0 || no != nos[0] {
			break
		}
		nos = nos[1:]
		if err := visit(no, data); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return &ledger.UnavailableError{Err: err}
	}
	if len(nos) > 0 {
		return fmt.Errorf("page %d: %w: it is not there", nos[0], errMalformed)
	}
	return nil
}

// tree reads the rows wanted below a page.
func (s *scan) tree(ctx context.Context, no uint32, depth int) error {
	page, err := s.page(ctx, no)
	if err != nil {
		return err
	}
	return s.below(ctx, no, page, depth)
}

func (s *scan) below(ctx context.Context, no uint32, page []byte, depth int) error {
	switch {
	case page[0] == leafPage:
		return s.leaf(ctx, no, page)
	case page[0] != interiorPage || depth == 0:
		return fmt.Errorf("page %d of the journal: %w", no, errMalformed)
	}
	children, err := s.children(page)
	if err != nil {
		return fmt.Errorf("page %d of the journal: %w", no, err)
	}
	return s.pages(ctx, children, func(no uint32, b []byte) error { return s.below(ctx, no, b, depth-1) })
}

// children are an interior page's pages that may hold rows wanted: each is followed by the greatest number below it.
func (s *scan) children(page []byte) ([]uint32, error) {
	const header = 12
	var out []uint32
	n := int(binary.BigEndian.Uint16(page[3:]))
	if header+2*n > s.usable {
		return nil, errMalformed
	}
	for i := range n {
		at := int(binary.BigEndian.Uint16(page[header+2*i:]))
		if at+4 > s.usable {
			return nil, errMalformed
		}
		key, width := varint(page[at+4 : s.usable])
		if width == 0 {
			return nil, errMalformed
		}
		if int64(key) > s.after {
			out = append(out, binary.BigEndian.Uint32(page[at:]))
		}
		if int64(key) >= s.until {
			return out, nil
		}
	}
	return append(out, binary.BigEndian.Uint32(page[8:])), nil
}

// leaf reads the rows wanted of a leaf page.
func (s *scan) leaf(ctx context.Context, no uint32, page []byte) error {
	const header = 8
	n := int(binary.BigEndian.Uint16(page[3:]))
	if header+2*n > s.usable {
		return fmt.Errorf("page %d of the journal: %w", no, errMalformed)
	}
	for i := range n {
		at := int(binary.BigEndian.Uint16(page[header+2*i:]))
		seq, payload, err := s.cell(ctx, page, at)
		if err == nil && (seq <= s.after || seq > s.until) {
			continue
		}
		if err == nil && seq <= s.last {
			err = fmt.Errorf("%w: entry %d follows entry %d", errMalformed, seq, s.last)
		}
		if err == nil {
			s.last = seq
			err = s.record.entry(payload, &s.raw)
			s.raw.Seq = uint64(seq)
		}
		if errors.Is(err, errMalformed) {
			return fmt.Errorf("page %d of the journal: %w", no, err)
		}
		if err != nil {
			return err
		}
		if err := s.each(&s.raw); err != nil {
			return err
		}
	}
	return nil
}

// cell is a row's number and its bytes, which are valid until the next one.
func (s *scan) cell(ctx context.Context, page []byte, at int) (rowid int64, payload []byte, err error) {
	if at > s.usable {
		return 0, nil, errMalformed
	}
	b := page[at:s.usable]
	size, n := varint(b)
	row, m := varint(b[n:])
	if n == 0 || m == 0 {
		return 0, nil, errMalformed
	}
	b = b[n+m:]
	local := s.local(size)
	if uint64(len(b)) < local {
		return 0, nil, errMalformed
	}
	if local == size {
		return int64(row), b[:size], nil
	}
	payload, err = s.overflow(ctx, b, local, size)
	return int64(row), payload, err
}

// local is how many bytes of a row of that size stand in its leaf page.
func (s *scan) local(size uint64) uint64 {
	u := uint64(s.usable)
	most := u - 35
	if size <= most {
		return size
	}
	least := (u-12)*32/255 - 23
	if k := least + (size-least)%(u-4); k <= most {
		return k
	}
	return least
}

// overflow gathers a row that goes on in pages of its own, each of which names the next.
func (s *scan) overflow(ctx context.Context, b []byte, local, size uint64) ([]byte, error) {
	const maxRow = 1 << 30 // SQLite's own bound
	if uint64(len(b)) < local+4 || size > maxRow {
		return nil, errMalformed
	}
	s.spilled = append(s.spilled[:0], b[:local]...)
	for next := binary.BigEndian.Uint32(b[local:]); uint64(len(s.spilled)) < size; {
		page, err := s.page(ctx, next)
		if err != nil {
			return nil, err
		}
		next = binary.BigEndian.Uint32(page)
		s.spilled = append(s.spilled, page[4:s.usable]...)
	}
	return s.spilled[:size], nil
}
