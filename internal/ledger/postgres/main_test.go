package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/pgserver"
	"qiantang.dev/rails/internal/ledger/postgres"
)

// server is the tests' PostgreSQL, started by the first test that asks for it.
var server struct {
	sync.Once
	*pgserver.Server
	err error
}

func TestMain(m *testing.M) {
	if dsn := os.Getenv(ledgertest.WriterEnv); dsn != "" {
		l, err := postgres.Open(context.Background(), dsn, postgres.Options{})
		if err == nil {
			err = ledgertest.Writer(l)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if server.Server != nil {
		if err := server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// role is what workers log in as in tests.
const role = "qiantang_app"

// running skips the test where there is no PostgreSQL.
func running(t *testing.T) *pgserver.Server {
	server.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if server.Server, server.err = pgserver.Start(ctx, "", map[string]string{"autovacuum_naptime": "5s"}); server.err != nil {
			return
		}
		if server.err = server.Exec(ctx, "postgres", "CREATE ROLE "+role+" LOGIN", "CREATE DATABASE template"); server.err == nil {
			_, server.err = postgres.Migrate(ctx, server.DSN("template"), role)
		}
	})
	if errors.Is(server.err, pgserver.ErrNone) && !strings.Contains(os.Getenv("QIANTANG_REQUIRE"), "postgresql") {
		t.Skip(server.err)
	}
	if server.err != nil {
		t.Fatal(server.err)
	}
	return server.Server
}

// database makes a migrated, empty database and returns its DSN for the application's role.
func database(t *testing.T) (name, dsn string) {
	s := running(t)
	name, err := s.Database(context.Background(), "template")
	if err != nil {
		t.Fatal(err)
	}
	return name, s.RoleDSN(role, name)
}

func open(t *testing.T, dsn string, opt engine.Options) *postgres.Ledger {
	t.Helper()
	l, err := postgres.Open(context.Background(), dsn, postgres.Options{Options: opt})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func fresh(t *testing.T) ledgertest.Opener {
	_, dsn := database(t)
	return func(t *testing.T, opt engine.Options) ledger.Ledger { return open(t, dsn, opt) }
}

func TestConformance(t *testing.T) { ledgertest.Run(t, fresh) }

func TestConformanceSerializable(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Opener {
		_, dsn := database(t)
		dsn += "&default_transaction_isolation=serializable"
		return func(t *testing.T, opt engine.Options) ledger.Ledger { return open(t, dsn, opt) }
	})
}
