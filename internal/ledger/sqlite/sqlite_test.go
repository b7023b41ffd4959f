package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/sqlite"
)

func fresh(t *testing.T) ledgertest.Opener {
	return opener(filepath.Join(t.TempDir(), "ledger.db"))
}

func opener(path string) ledgertest.Opener {
	return func(t *testing.T, opt engine.Options) ledger.Ledger {
		l, err := sqlite.Open(context.Background(), path, sqlite.Options{Options: opt})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
}

func TestTampering(t *testing.T) {
	ledgertest.RunTamper(t, func(t *testing.T) (ledgertest.Opener, func(string)) {
		path := filepath.Join(t.TempDir(), "ledger.db")
		return opener(path), func(query string) {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			for _, table := range []string{"journal", "account", "batch", "checkpoint"} {
				for _, op := range []string{"update", "delete"} {
					if _, err := db.Exec("DROP TRIGGER " + table + "_" + op); err != nil {
						t.Fatal(err)
					}
				}
			}
			if _, err := db.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestJournalRefusesChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := opener(path)(t, engine.Options{})
	c := ledger.Commit{Accounts: ledgertest.Fixtures(), Transfers: []ledger.Transfer{ledgertest.Move(ledgertest.Funding, ledgertest.Alice, ledgertest.USD(5))}}
	if _, err := l.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, table := range []string{"journal", "account", "batch"} {
		for _, q := range []string{"DELETE FROM " + table, "UPDATE " + table + " SET rowid = rowid"} {
			if _, err := db.Exec(q); err == nil || !strings.Contains(err.Error(), "never changed") {
				t.Errorf("%s: %v", q, err)
			}
		}
	}
}

func TestConformance(t *testing.T) { ledgertest.Run(t, fresh) }

func TestImport(t *testing.T) {
	ledgertest.RunExport(t, fresh, func(t *testing.T) (ledgertest.Importer, ledgertest.Opener) {
		path := filepath.Join(t.TempDir(), "import.db")
		fill := func(ctx context.Context, f func(*engine.Importer) error) error { return sqlite.Import(ctx, path, f) }
		return fill, opener(path)
	})
}
