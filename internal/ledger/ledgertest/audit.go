package ledgertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/audit"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/ledger/merkle"
)

// Auditable is what both stores are beyond ledger.Ledger.
type Auditable interface {
	ledger.Ledger
	audit.Source
	audit.Signable
}

// Verify fails the test unless the books are proven; it returns how many entries they have.
func Verify(t *testing.T, l ledger.Ledger) uint64 {
	t.Helper()
	rep, err := audit.Verify(context.Background(), l.(Auditable), audit.Options{})
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	for _, f := range rep.Findings {
		t.Errorf("verify: %s", f)
	}
	if rep.More > 0 {
		t.Errorf("verify: %d more findings", rep.More)
	}
	return rep.Entries
}

// Keys are a fresh pair of checkpoint keys.
func Keys(t *testing.T) (note.Signer, note.Verifier) {
	t.Helper()
	secret, public, err := merkle.NewKey("test/region")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

// fill books n transfers, with reserves, windows, records and checkpoints on the way.
func fill(t *testing.T, b *books, n int, signer note.Signer) {
	t.Helper()
	b.funded(1_000_000_000)
	for i := 0; i < n; i += 200 {
		c := ledger.Commit{Puts: []ledger.Put{put(fmt.Sprintf("p%d", i), 0, "paid", `{"amount": "1.00"}`)}}
		for k := range 100 {
			hold := Hold(Alice, Clearing, USD(int64(100+k)))
			post := End(ledger.Post, hold.ID, USD(90))
			post.Window, post.Reference = fmt.Sprintf("w%d", i/1000), fmt.Sprintf("P-%d", i)
			c.Transfers = append(c.Transfers, hold, post)
		}
		b.apply(c)
		if signer != nil && i%600 == 0 {
			if _, err := audit.Sign(context.Background(), b.l.(Auditable), signer); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Tamper runs statements on the store behind the ledger's back, past triggers and privileges. Open must open the same books.
type Tamper func(t *testing.T) (open Opener, exec func(sql string))

// RunTamper checks that whatever is changed behind the ledger's back is found and named.
func RunTamper(t *testing.T, fresh Tamper) {
	for _, c := range []struct{ name, sql, finding string }{
		{"an amount", `UPDATE journal SET amount = amount + 1 WHERE seq = 300`, "entry 300: was changed"},
		{"a booking time", `UPDATE journal SET booked = booked + 1 WHERE seq = 300`, "entry 300: was changed"},
		{"an account of an entry", `UPDATE journal SET debit = 2 WHERE seq = 301`, "entry 301: was changed"},
		{"a text", `UPDATE journal SET reference = 'P-x' WHERE seq = 1025`, "entry 1025: was changed"},
		{"a value date", `UPDATE journal SET value_date = value_date + 1 WHERE seq = 7`, "entry 7: was changed"},
		{"a window", `UPDATE journal SET win = '' WHERE seq = 601`, "entry 601: was changed"},
		{"a checksum", `UPDATE journal SET sum = sum + 1 WHERE seq = 9`, "entry 9: was changed"},
		{"an entry taken out", `DELETE FROM journal WHERE seq = 900`, "entry 900: is missing"},
		{"the last entry taken out", `DELETE FROM journal WHERE seq = 1201`, "entry 1201: is missing"},
		{"an entry put behind", `UPDATE journal SET seq = 5000 WHERE seq = 1201`, "entry 5000: stands behind the head"},
		{"a kept hash", `UPDATE node SET hash = (SELECT hash FROM node WHERE level = 8 AND idx = 1) WHERE level = 8 AND idx = 2`, "entries 513-768:"},
		{"an upper hash", `UPDATE node SET hash = (SELECT hash FROM node WHERE level = 8 AND idx = 1) WHERE level = 9 AND idx = 0`, "node 9/0:"},
		{"an owner", `UPDATE account SET owner = 'mallory' WHERE no = 1`, "account " + Alice + ": was changed"},
		{"a floor", `UPDATE account SET floor = -100 WHERE no = 1`, "account " + Alice + ": was changed"},
		{"a balance", `UPDATE balance SET credits = credits + 1 WHERE account = 5`, "balance " + Clearing + ": counts"},
		{"a window position", `UPDATE window_position SET credits = credits + 1 WHERE win = 'w0' AND account = 5`, "window w0: account number 5"},
		{"a window position taken out", `DELETE FROM window_position WHERE win = 'w0' AND account = 5`, "window w0: lacks account number 5"},
		{"a batch taken out", `DELETE FROM batch WHERE no = 3`, "batches"},
		{"a batch's time", `UPDATE batch SET booked = booked + 3600000000 WHERE no = 3`, "batch "},
		{"a batch's place", `UPDATE batch SET seq = 1 WHERE no = 5`, "batch 5: does not follow"},
		{"a record", `UPDATE record SET state = 'rejected' WHERE key = 'p200'`, "record payment/p200: does not agree"},
		{"the frontier", `UPDATE head SET journal_frontier = account_frontier WHERE one = 1`, "head journal"},
		{"a checkpoint", `UPDATE checkpoint SET note = REPLACE(note, '1', '2') WHERE size = 201`, "checkpoint 201:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			open, exec := fresh(t)
			b := newBooks(t, open)
			b.l = open(t, engine.Options{Clock: b.clock, TailTarget: 64})
			signer, verifier := Keys(t)
			fill(t, b, 1200, signer)
			Verify(t, b.l)
			exec(c.sql)
			rep, err := audit.Verify(context.Background(), b.l.(Auditable), audit.Options{Key: verifier})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range rep.Findings {
				if strings.HasPrefix(f.String(), c.finding) {
					return
				}
			}
			t.Fatalf("found %v, want one that begins with %q", rep.Findings, c.finding)
		})
	}
	t.Run("a whole history written anew is not that of the checkpoint", func(t *testing.T) {
		open, exec := fresh(t)
		b := newBooks(t, open)
		signer, verifier := Keys(t)
		fill(t, b, 600, signer)
		otherSigner, _ := Keys(t)
		c := merkle.Checkpoint{Size: 401, Root: rfc6962.DefaultHasher.EmptyRoot(), AccountRoot: rfc6962.DefaultHasher.EmptyRoot()}
		forged, err := c.Sign(otherSigner)
		if err != nil {
			t.Fatal(err)
		}
		exec(`INSERT INTO checkpoint (size, note) VALUES (401, '` + forged + `')`)
		rep, err := audit.Verify(context.Background(), b.l.(Auditable), audit.Options{Key: verifier})
		if err != nil || len(rep.Findings) != 1 || rep.Findings[0].What != "checkpoint" {
			t.Fatalf("found %v, %v", rep.Findings, err)
		}
		rep, err = audit.Verify(context.Background(), b.l.(Auditable), audit.Options{})
		if err != nil || len(rep.Findings) != 1 || !strings.Contains(rep.Findings[0].Why, "its root is not that") {
			t.Fatalf("found %v, %v", rep.Findings, err)
		}
	})
}

func testProofs(t *testing.T, b *books) {
	signer, verifier := Keys(t)
	fill(t, b, 1600, nil)
	l := b.l.(Auditable)
	signed, err := audit.Sign(context.Background(), l, signer)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := audit.Sign(context.Background(), l, signer); err != nil || again != signed {
		t.Fatalf("signed again without need: %q, %v", again, err)
	}
	b.transfer(Move(Alice, Clearing, USD(1)))
	for _, seq := range []uint64{1, 2, 255, 256, 257, 512, 513, 1024, 1500, 1601} {
		p, err := audit.Prove(context.Background(), l, seq, signed)
		if err != nil {
			t.Fatalf("entry %d: %v", seq, err)
		}
		wire, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got audit.Proof
		if err := json.Unmarshal(wire, &got); err != nil {
			t.Fatal(err)
		}
		e, cp, err := audit.Check(&got, verifier)
		if err != nil || e.Seq != seq || cp.Size != 1601 {
			t.Fatalf("entry %d: proven %+v in %+v, %v", seq, e, cp, err)
		}
		got.Leaf = bytes.Replace(got.Leaf, []byte(Alice), []byte(Bob+"xx"), 1)
		if _, _, err := audit.Check(&got, verifier); err == nil {
			t.Fatalf("entry %d: a changed leaf was accepted", seq)
		}
		if _, other := Keys(t); other != nil {
			if _, _, err := audit.Check(p, other); err == nil {
				t.Fatalf("entry %d: another key was accepted", seq)
			}
		}
	}
	if _, err := audit.Prove(context.Background(), l, 1602, signed); err == nil {
		t.Fatal("proved an entry that the checkpoint does not hold")
	}
	Verify(t, b.l)
}
