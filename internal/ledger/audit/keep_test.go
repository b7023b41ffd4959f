package audit_test

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/audit"
	"qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/merkle"
	"qiantang.dev/rails/internal/ledger/open"
	"qiantang.dev/rails/internal/ledger/reader"
)

func TestOneCheckpointIsSignedAnIntervalAndOnlyWhereTheBooksGrew(t *testing.T) {
	l, err := open.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "ledger.db"), open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	books, ok := l.(interface {
		audit.Keepable
		audit.Source
		CheckpointsAfter(ctx context.Context, after uint64, limit int) ([]reader.Checkpoint, error)
	})
	if !ok {
		t.Fatal("the ledger keeps no checkpoints")
	}
	secret, public, err := merkle.NewKey("demo/us-east")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	keepers := make([]*audit.Keeper, 2)
	for i := range keepers {
		keepers[i] = audit.NewKeeper("settler-"+strconv.Itoa(i), books, func() time.Time { return now }, func(err error) { t.Error(err) })
	}
	step := func(wantWait time.Duration) {
		t.Helper()
		for _, k := range keepers {
			wait, err := k.Step(t.Context())
			if err != nil || wait != wantWait {
				t.Fatalf("%s waits %s, %v", k.ID, wait, err)
			}
		}
	}
	book := func(n int) {
		t.Helper()
		c := ledger.Commit{Accounts: ledgertest.Fixtures()}
		for range n {
			c.Transfers = append(c.Transfers, ledgertest.Move(ledgertest.Funding, ledgertest.Alice, ledgertest.USD(100)))
		}
		if _, err := l.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	sizes := func(want ...uint64) {
		t.Helper()
		all, err := books.CheckpointsAfter(t.Context(), 0, 100)
		if err != nil || len(all) != len(want) {
			t.Fatalf("%d checkpoints, want %d (%v)", len(all), len(want), err)
		}
		for i := range want {
			if all[i].Size != want[i] {
				t.Errorf("checkpoint %d is of %d entries, want %d", i, all[i].Size, want[i])
			}
		}
	}
	step(0) // nothing to sign with yet
	for _, k := range keepers {
		k.Use(signer, time.Hour)
	}
	step(time.Hour)
	sizes() // nothing booked yet
	book(3)
	step(time.Hour)
	sizes(3)
	book(2)
	now = now.Add(20 * time.Minute)
	step(40 * time.Minute)
	sizes(3) // not yet
	now = now.Add(40 * time.Minute)
	step(time.Hour)
	sizes(3, 5)
	now = now.Add(2 * time.Hour)
	step(time.Hour)
	sizes(3, 5) // nothing booked since
	book(1)
	step(time.Hour)
	sizes(3, 5, 6)
	// A shorter interval counts at once.
	for _, k := range keepers {
		k.Use(signer, time.Minute)
	}
	book(1)
	now = now.Add(time.Minute)
	step(time.Minute)
	sizes(3, 5, 6, 7)
	if page, err := books.CheckpointsAfter(t.Context(), 3, 2); err != nil || len(page) != 2 || page[0].Size != 5 || page[1].Size != 6 {
		t.Errorf("a page: %v, %v", page, err)
	}

	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := audit.Verify(t.Context(), books, audit.Options{Key: verifier})
	if err != nil || len(rep.Findings) > 0 || rep.Checkpoints != 4 || rep.Last == nil || rep.Last.Size != 7 || rep.Last.Origin != "demo/us-east" {
		t.Errorf("%+v, %v", rep, err)
	}
	for _, k := range keepers {
		k.Use(nil, 0)
	}
	step(0)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	keepers[0].Use(signer, time.Minute)
	if _, err := keepers[0].Step(t.Context()); err == nil {
		t.Error("a closed ledger was signed")
	}
}
