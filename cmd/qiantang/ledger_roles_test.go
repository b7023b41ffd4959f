package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/jackc/pgx/v5"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger/merkle"
	"qiantang.dev/rails/internal/ledger/open"
	"qiantang.dev/rails/internal/ledger/pgserver"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/worker"
	"qiantang.dev/rails/pkg/client"
)

// As a region does where it has a DSN for migrations: the Job migrates as the owner, the workers run as a role that cannot change the books.
func TestWorkersRunAsARoleThatCannotChangeTheJournal(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s, err := pgserver.Start(ctx, "", nil)
	if errors.Is(err, pgserver.ErrNone) && !strings.Contains(os.Getenv("QIANTANG_REQUIRE"), "postgresql") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Exec(ctx, "postgres", "CREATE ROLE books_owner LOGIN", "CREATE ROLE books_app LOGIN", "CREATE ROLE books_heir LOGIN IN ROLE books_owner",
		"CREATE DATABASE books OWNER books_owner"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(role string) string {
		path := filepath.Join(dir, role)
		if err := os.WriteFile(path, []byte(s.RoleDSN(role, "books")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	migrate := func(args ...string) error {
		c := newLedgerCommand()
		c.SetArgs(append([]string{"migrate"}, args...))
		c.SetOut(&bytes.Buffer{})
		c.SilenceErrors, c.SilenceUsage = true, true
		return c.ExecuteContext(ctx)
	}
	owner := []string{"--dsn-file", file("books_owner"), "--app-dsn-file"}
	for role, says := range map[string]string{"books_owner": "may change the journal", "books_heir": "may change the journal", "nobody": `role "nobody" does not exist`} {
		if err := migrate(append(owner, file(role))...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("workers as %s: %v", role, err)
		}
	}
	if err := migrate("--ledger", "sqlite://"+filepath.Join(dir, "x.db"), "--app-dsn-file", filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "--app-dsn-file") {
		t.Errorf("without the file: %v", err)
	}
	for range 2 { // as another image's Job would, while workers run
		if err := migrate(append(owner, file("books_app"))...); err != nil {
			t.Fatal(err)
		}
	}

	dsn := s.RoleDSN("books_app", "books")
	books, err := open.Open(ctx, dsn, open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = books.Close() })
	w, err := worker.New(worker.Options{ID: "w", Roles: []string{worker.RoleRouter, worker.RoleSettler}, Ledger: books, Directory: dir, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := merkle.NewKey("demo/us-west")
	if err != nil {
		t.Fatal(err)
	}
	p := &plan.Region{Institution: "demo", Name: "us-west", Checkpoints: &plan.Checkpoints{Every: plan.Text(time.Minute)}}
	if err := plan.Seal(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Switch(ctx, p, fx.Credentials{plan.LedgerMaterial: {plan.MaterialCheckpointKey: []byte(secret)}}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.Handler())
	t.Cleanup(server.Close)
	api, err := client.New(server.URL, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	account, err := api.OpenAccount(ctx, client.AccountRequest{Owner: "acme", Currency: "USD"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.Deposit(ctx, "one", client.DepositRequest{Account: account.ID, Amount: client.Money{Currency: "USD", Value: "12.34"}}); err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.Run(running) }()
	until(t, "a checkpoint is signed", func() bool {
		list, err := api.Checkpoints(ctx, 0)
		return err == nil && len(list.Checkpoints) == 1
	})
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}

	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	var entries int
	if err := c.QueryRow(ctx, "SELECT count(*) FROM journal").Scan(&entries); err != nil || entries == 0 {
		t.Fatalf("%d entries, %v", entries, err)
	}
	for _, q := range []string{
		"UPDATE journal SET seq = seq", "DELETE FROM journal", "TRUNCATE journal", "DELETE FROM account", "DELETE FROM record", "DELETE FROM checkpoint",
		"ALTER TABLE journal DISABLE TRIGGER ALL", "DROP TABLE journal", "CREATE TABLE mine ()", "SET ROLE books_owner",
	} {
		if _, err := c.Exec(ctx, q); err == nil || !strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), "must be owner") {
			t.Errorf("%s: %v", q, err)
		}
	}
}
