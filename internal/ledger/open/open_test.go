package open_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/open"
)

func TestEmbeddedLedgersAreOpenedByURL(t *testing.T) {
	url := "sqlite://" + filepath.Join(t.TempDir(), "a folder", "ledger.db")
	for range 2 { // migrating again changes nothing
		if _, err := open.Migrate(context.Background(), url, ""); err != nil {
			t.Fatal(err)
		}
	}
	l, err := open.Open(context.Background(), url, open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Apply(context.Background(), ledger.Commit{Accounts: ledgertest.Fixtures()}); err != nil {
		t.Fatal(err)
	}
	read, err := open.Open(context.Background(), url, open.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read.Apply(context.Background(), ledger.Commit{Accounts: ledgertest.Fixtures()}); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Fatalf("got %v", err)
	}
	if _, err := read.Account(context.Background(), ledgertest.Alice); err != nil {
		t.Fatal(err)
	}
	for _, l := range []ledger.Ledger{l, read} {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsNoLedgerIsRefusedWithoutItsPassword(t *testing.T) {
	for _, location := range []string{
		"", "ledger.db", "sqlite://", "sqlite:///", "mysql://u:secret@h/d", "postgres://u:secret@127.0.0.1:1/d", "postgres://u:secret@h:x/d", "://secret",
	} {
		for name, try := range map[string]func() error{
			"open":    func() error { _, err := open.Open(context.Background(), location, open.Options{}); return err },
			"migrate": func() error { _, err := open.Migrate(context.Background(), location, ""); return err },
		} {
			if err := try(); err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s %q: %v", name, location, err)
			}
		}
	}
}
