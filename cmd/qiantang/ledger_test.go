package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/ledgertest"
	"qiantang.dev/rails/internal/ledger/open"
)

func TestLedgerCommands(t *testing.T) {
	dir := t.TempDir()
	url := "sqlite://" + filepath.Join(dir, "ledger.db")
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		c := newLedgerCommand()
		c.SetArgs(args)
		c.SetOut(&out)
		c.SetErr(&bytes.Buffer{})
		c.SilenceErrors, c.SilenceUsage = true, true
		err := c.ExecuteContext(context.Background())
		return out.String(), err
	}
	must := func(want string, args ...string) string {
		t.Helper()
		out, err := run(args...)
		if err != nil || !strings.Contains(out, want) {
			t.Fatalf("ledger %v: %v\n%s\nwant %q", args, err, out, want)
		}
		return out
	}
	must("migrations applied", "migrate", "--ledger", url)
	l, err := open.Open(context.Background(), url, open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	move := ledgertest.Move(ledgertest.Funding, ledgertest.Alice, ledgertest.USD(12345))
	if _, err := l.Apply(context.Background(), ledger.Commit{Accounts: ledgertest.Fixtures(), Transfers: []ledger.Transfer{move}}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "key")
	if _, err := run("prove", "1", "--ledger", url); err == nil || !strings.Contains(err.Error(), "no checkpoint") {
		t.Fatalf("prove without a checkpoint: %v", err)
	}
	must("demo/test", "keygen", "--name", "demo/test", "--out", key)
	if _, err := run("keygen", "--name", "demo/test", "--out", key); err == nil {
		t.Fatal("a key was written over")
	}
	must("accounts 9 ", "checkpoint", "--key", key, "--ledger", url)
	must("proven: 1 entries, 9 accounts, 0 records, 1 checkpoints", "verify", "--key", key+".pub", "--ledger", url)
	must("last checkpoint: 1 entries, by demo/test", "verify", "--key", key+".pub", "--ledger", url)
	proof := filepath.Join(dir, "proof.json")
	if err := os.WriteFile(proof, []byte(must(`"amount": "123.45"`, "prove", move.ID.String(), "--ledger", url)), 0o600); err != nil {
		t.Fatal(err)
	}
	must("proven by demo/test: entry 1 of 1", "check", proof, "--key", key+".pub")
	if _, err := run("check", proof, "--key", key); err == nil {
		t.Fatal("a secret key was taken for a public one")
	}
	must("debits equal credits", "trial-balance", "--ledger", url)
	must("<Amt Ccy=\"USD\">123.45</Amt>", "statement", ledgertest.Alice, "--from", "2020-01-01", "--to", "2100-01-01T00:00:00Z", "--ledger", url)
	if _, err := run("statement", ledgertest.Alice, "--from", "yesterday", "--to", "2100-01-01", "--ledger", url); err == nil {
		t.Fatal("yesterday was taken for a time")
	}
	out := filepath.Join(dir, "export")
	must("1 entries and 9 accounts exported", "export", "--out", out, "--ledger", url)
	other := "sqlite://" + filepath.Join(dir, "other.db")
	must("1 entries and 9 accounts imported", "import", "--in", out, "--ledger", other)
	must("1 checkpoints", "verify", "--key", key+".pub", "--ledger", other)
	dsn := filepath.Join(dir, "dsn")
	if err := os.WriteFile(dsn, []byte(other+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must("1 checkpoints", "verify", "--dsn-file", dsn)
	for _, args := range [][]string{{"verify"}, {"verify", "--ledger", "mysql://u:secret@h/d"}, {"verify", "--ledger", "sqlite:///nonexistent/x.db"}} {
		if _, err := run(args...); err == nil || strings.Contains(err.Error(), "secret") {
			t.Fatalf("ledger %v: %v", args, err)
		}
	}
}
