package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/reader"
	"qiantang.dev/rails/internal/ledger/sqlite"
)

// odd fills a journal past the ledger with rows of all widths: integers of every size, no reference and some, texts that go on in pages
// of their own, numbers below one and with gaps.
func odd(t *testing.T, path string, rows int) *sql.DB {
	t.Helper()
	if err := sqlite.Migrate(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT -3 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO journal SELECT i + i / 500, i * i * i * i, randomblob(16), 1 + abs(i) %% 6, abs(i), abs(i) + 1, 'USD', 1 + (1 << abs(i) %% 62), -(1 << abs(i) %% 63),
			CASE WHEN i %% 3 THEN randomblob(16) END, CASE WHEN i %% 5 THEN (i %% 2) * 100000000 END, i - 200, substr('principal', 1, abs(i) %% 9),
			CASE WHEN i %% 97 THEN 'P-' || i ELSE hex(zeroblob(abs(i) * 3)) END, CASE WHEN i %% 7 THEN 'w' || i ELSE '' END, random() FROM n`, rows)); err != nil {
		t.Fatal(err)
	}
	return db
}

func scanned(t *testing.T, scan func(context.Context, uint64, uint64, func(*reader.Raw) error) error, after, until uint64) []string {
	t.Helper()
	var out []string
	if err := scan(context.Background(), after, until, func(r *reader.Raw) error {
		out = append(out, fmt.Sprintf("%d %d %d %+v", r.DebitNo, r.CreditNo, r.Sum, r.Leaf))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPagesHoldWhatSQLReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	db := odd(t, path, 6_000)
	l := opener(path)(t, engine.Options{SweepEvery: -1}).(*sqlite.Ledger)
	same := func() {
		t.Helper()
		for _, r := range [][2]uint64{{0, 1 << 62}, {0, 0}, {0, 1}, {499, 502}, {500, 501}, {5000, 5256}, {5999, 30_000}, {50_000, 60_000}} {
			pages, rows := scanned(t, l.ScanJournal, r[0], r[1]), scanned(t, l.Reader.ScanJournal, r[0], r[1])
			if strings.Join(pages, "\n") != strings.Join(rows, "\n") {
				t.Errorf("entries %d to %d: %d from the pages, %d by SQL, and they differ", r[0]+1, r[1], len(pages), len(rows))
			}
		}
	}
	same()
	for _, q := range []string{ // a later migration's column; then a journal with columns that changed places
		`ALTER TABLE journal ADD COLUMN later INTEGER NOT NULL DEFAULT 7`,
		`ALTER TABLE journal RENAME COLUMN amount TO was_amount`,
		`ALTER TABLE journal RENAME COLUMN released TO amount`,
		`ALTER TABLE journal RENAME COLUMN was_amount TO released`,
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(q, "later") {
			same()
		}
	}
	same()
}

// bytesOf are the file's bytes, with its journal's root page and its page size.
func bytesOf(t *testing.T, path string, rows int) (whole []byte, root, size int64) {
	t.Helper()
	db := odd(t, path, rows)
	if err := db.QueryRow(`SELECT rootpage FROM sqlite_schema WHERE name = 'journal'`).Scan(&root); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(`PRAGMA page_size`).Scan(&size); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole, root, size
}

// scanBytes scans the journal of a file with these bytes.
func scanBytes(t *testing.T, path string, b []byte) error {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := sqlite.Open(context.Background(), path, sqlite.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	return l.ScanJournal(context.Background(), 0, 10_000, func(*reader.Raw) error { return nil })
}

func TestPagesThatAreNoneAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	whole, root, size := bytesOf(t, path, 5_000)
	at := (root - 1) * size
	child := (int64(binary.BigEndian.Uint32(whole[at+8:])) - 1) * size
	for whole[child] == 5 { // down to a leaf
		child = (int64(binary.BigEndian.Uint32(whole[child+8:])) - 1) * size
	}
	cell := child + int64(binary.BigEndian.Uint16(whole[child+8:]))
	for name, c := range map[string]struct {
		at    int64
		bytes string
	}{
		"another kind of page":        {child, "\x0a"},
		"more rows than fit":          {child + 3, "\xff\xff"},
		"a row behind the page":       {child + 8, "\xff\xff"},
		"a row longer than its page":  {cell, "\x8f\x00"},
		"a row of absurd length":      {cell, "\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
		"a row without columns":       {cell + 3, "\x00"},
		"a child behind the file":     {at + 8, "\x7f\xff\xff\xff"},
		"more children than fit":      {at + 3, "\xff\xff"},
		"a child that is its parent":  {at + 8, string(binary.BigEndian.AppendUint32(nil, uint32(root)))},
		"a child's place behind page": {at + 12, "\xff\xff"},
		"rows that come twice":        {child + 10, string(whole[child+8 : child+10])},
	} {
		t.Run(name, func(t *testing.T) {
			b := slices.Clone(whole)
			copy(b[c.at:], c.bytes)
			err := scanBytes(t, path, b)
			if err == nil || !strings.Contains(err.Error(), "page") {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestPagesOfAnyBytesAreReadOrRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	whole, _, _ := bytesOf(t, path, 2_000)
	r := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 100 {
		b := slices.Clone(whole)
		for range 200 {
			at := 4096 + r.IntN(len(b)-4096) // the first page says what a file is
			b[at] = byte(r.Uint32())
		}
		if scanBytes(t, path, b) != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("none was refused: nothing was broken")
	}
}
