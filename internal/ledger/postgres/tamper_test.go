package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/ledgertest"
)

func TestTampering(t *testing.T) {
	ledgertest.RunTamper(t, func(t *testing.T) (ledgertest.Opener, func(string)) {
		name, dsn := database(t)
		return func(t *testing.T, opt engine.Options) ledger.Ledger { return open(t, dsn, opt) }, func(query string) {
			if err := running(t).Exec(context.Background(), name, "SET session_replication_role = replica", query); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestJournalRefusesChanges(t *testing.T) {
	name, dsn := database(t)
	l := open(t, dsn, engine.Options{})
	c := ledger.Commit{Accounts: ledgertest.Fixtures(), Transfers: []ledger.Transfer{ledgertest.Move(ledgertest.Funding, ledgertest.Alice, ledgertest.USD(5))}}
	if _, err := l.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"journal", "account", "batch", "checkpoint"} {
		for _, q := range []string{"DELETE FROM " + table, "TRUNCATE " + table, "UPDATE " + table + " SET tableoid = tableoid"} {
			if _, err := l.Pool().Exec(context.Background(), q); code(err) != "42501" && code(err) != "0A000" {
				t.Errorf("as the application: %s: %v", q, err)
			}
		}
		for _, q := range []string{"DELETE FROM " + table, "TRUNCATE " + table} {
			if err := running(t).Exec(context.Background(), name, q); code(err) != "42501" {
				t.Errorf("as the owner: %s: %v", q, err)
			}
		}
	}
	if _, err := l.Pool().Exec(context.Background(), "UPDATE journal SET amount = 1"); code(err) != "42501" {
		t.Errorf("update: %v", err)
	}
}

func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
