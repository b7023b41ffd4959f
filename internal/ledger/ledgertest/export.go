package ledgertest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/export"
)

// Importer fills an empty store.
type Importer func(ctx context.Context, fill func(*engine.Importer) error) error

// RunExport checks that exported books come out of an import as they were, and go on. Target makes an empty store: how it is filled
// and how it is opened.
func RunExport(t *testing.T, fresh Fresh, target func(t *testing.T) (Importer, Opener)) {
	exported := func(t *testing.T) (*books, string) {
		b := newBooks(t, fresh(t))
		signer, _ := Keys(t)
		fill(t, b, 1200, signer)
		hold := Hold(Alice, Clearing, USD(77))
		b.transfer(hold)
		odd := put("odd", 0, "s", "{\"a\":\r\n \"\\u4e2d, \\\"q\\\"\"}")
		odd.Due = start
		b.apply(puts(odd))
		dir := filepath.Join(t.TempDir(), "out")
		if _, err := export.Export(context.Background(), b.l.(export.Source), dir, nil); err != nil {
			t.Fatal(err)
		}
		return b, dir
	}
	t.Run("what is imported is what was exported", func(t *testing.T) {
		b, dir := exported(t)
		fillTarget, open := target(t)
		var done uint64
		if err := fillTarget(context.Background(), func(im *engine.Importer) error {
			_, err := export.Import(context.Background(), dir, im, func(n, total uint64) { done = n })
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if done != 1202 {
			t.Fatalf("progress ended at %d", done)
		}
		to := newBooks(t, open)
		if Verify(t, to.l) != 1202 {
			t.Fatal("entries are missing")
		}
		for _, a := range Fixtures() {
			want, err := b.l.Balance(context.Background(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			to.balance(a.ID, want.Posted, want.PendingIn, want.PendingOut, want.Available)
		}
		want, err := b.l.Record(context.Background(), "payment", "odd")
		got, err2 := to.l.Record(context.Background(), "payment", "odd")
		if err != nil || err2 != nil || !bytes.Equal(got.Body, want.Body) || !got.Created.Equal(want.Created) || !got.Due.Equal(want.Due) || got.Version != want.Version {
			t.Fatalf("got %+v, %v, want %+v, %v", got, err2, want, err)
		}
		entries, err := to.l.EntriesByReference(context.Background(), "P-0")
		if err != nil || len(entries) != 100 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		to.transfer(End(ledger.Reverse, entries[0].ID, USD(90)))
		to.transfer(Move(Alice, Clearing, USD(5)))
		Verify(t, to.l)
		if err := fillTarget(context.Background(), func(*engine.Importer) error { return nil }); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Fatalf("import into books that are not empty: %v", err)
		}
	})
	t.Run("changed files are refused", func(t *testing.T) {
		_, dir := exported(t)
		file := filepath.Join(dir, "journal.csv")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for from, now := range map[string]string{"0.90": "0.91", ",P-0,": ",P-9,", "reserve": "swap", ",0.00,,": ",x,,"} {
			if err := os.WriteFile(file, bytes.Replace(text, []byte(from), []byte(now), 1), 0o600); err != nil {
				t.Fatal(err)
			}
			fillTarget, _ := target(t)
			if err := fillTarget(context.Background(), func(im *engine.Importer) error {
				_, err := export.Import(context.Background(), dir, im, nil)
				return err
			}); err == nil {
				t.Fatalf("%q changed to %q was imported", from, now)
			}
		}
	})
	t.Run("a folder that is not empty is refused", func(t *testing.T) {
		b, dir := exported(t)
		if _, err := export.Export(context.Background(), b.l.(export.Source), dir, nil); err == nil {
			t.Fatal("written over")
		}
		if err := os.Remove(filepath.Join(dir, "manifest.json")); err != nil {
			t.Fatal(err)
		}
		fillTarget, _ := target(t)
		if err := fillTarget(context.Background(), func(im *engine.Importer) error {
			_, err := export.Import(context.Background(), dir, im, nil)
			return err
		}); err == nil || !strings.Contains(err.Error(), "not a finished export") {
			t.Fatalf("got %v", err)
		}
	})
}
