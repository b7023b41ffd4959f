package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/sqlite"
)

func fresh(t *testing.T) ledgertest.Opener {
	path := filepath.Join(t.TempDir(), "ledger.db")
	return func(t *testing.T, opt engine.Options) ledger.Ledger {
		l, err := sqlite.Open(context.Background(), path, sqlite.Options{Options: opt})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
}

func TestConformance(t *testing.T) { ledgertest.Run(t, fresh) }
