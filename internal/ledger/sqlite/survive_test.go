package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/sqlite"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(ledgertest.WriterEnv); path != "" {
		l, err := sqlite.Open(context.Background(), path, sqlite.Options{})
		if err == nil {
			err = ledgertest.Writer(l)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestKilledWriterLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	ledgertest.RunKills(t, 200, path, opener(path))
}

func TestHistoriesAgreeWithTheModel(t *testing.T) { ledgertest.RunModel(t, fresh) }

func TestFullDiskRefusesAndRecovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	open := func(bytes int64) *sqlite.Ledger {
		l, err := sqlite.Open(context.Background(), path, sqlite.Options{MaxBytes: bytes})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	l := open(512 << 10)
	if _, err := l.Apply(context.Background(), ledger.Commit{Accounts: ledgertest.Fixtures()}); err != nil {
		t.Fatal(err)
	}
	var err error
	n := 0
	for ; err == nil; n++ {
		_, err = l.Apply(context.Background(), ledgertest.Job(fmt.Sprintf("full-%d", n)))
	}
	if away := (*ledger.UnavailableError)(nil); !errors.As(err, &away) {
		t.Fatalf("a full disk: %v", err)
	}
	ledgertest.Whole(t, l, true)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(0)
	for i := n - 1; i < n+100; i++ {
		if _, err := l.Apply(context.Background(), ledgertest.Job(fmt.Sprintf("full-%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	ledgertest.Whole(t, l, true)
}

func TestBackupWhileBookingRestores(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "backup.db")
	l := opener(path)(t, engine.Options{})
	if _, err := l.Apply(context.Background(), ledger.Commit{Accounts: ledgertest.Fixtures()}); err != nil {
		t.Fatal(err)
	}
	ledgertest.Work(t, l, 8, func() {
		ledgertest.Reach(t, l, 200)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.Exec("VACUUM INTO ?", backup); err != nil {
			t.Fatal(err)
		}
	})
	restored := opener(backup)(t, engine.Options{})
	ledgertest.Whole(t, restored, true)
	ledgertest.Work(t, restored, 8, func() { ledgertest.Reach(t, restored, 600) })
	ledgertest.Whole(t, restored, true)
}
