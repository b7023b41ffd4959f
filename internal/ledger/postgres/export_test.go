package postgres_test

import (
	"context"
	"path/filepath"
	"testing"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/postgres"
	"qiantang.dev/rails/internal/ledger/sqlite"
)

func TestImport(t *testing.T) {
	ledgertest.RunExport(t, fresh, func(t *testing.T) (ledgertest.Importer, ledgertest.Opener) {
		_, dsn := database(t)
		fill := func(ctx context.Context, f func(*engine.Importer) error) error { return postgres.Import(ctx, dsn, f) }
		return fill, func(t *testing.T, opt engine.Options) ledger.Ledger { return open(t, dsn, opt) }
	})
}

func TestEmbeddedLedgerMovesToPostgreSQL(t *testing.T) {
	embedded := func(t *testing.T) ledgertest.Opener {
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
	ledgertest.RunExport(t, embedded, func(t *testing.T) (ledgertest.Importer, ledgertest.Opener) {
		_, dsn := database(t)
		fill := func(ctx context.Context, f func(*engine.Importer) error) error { return postgres.Import(ctx, dsn, f) }
		return fill, func(t *testing.T, opt engine.Options) ledger.Ledger { return open(t, dsn, opt) }
	})
}
