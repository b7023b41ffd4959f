package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"qiantang.dev/rails/internal/ledger"
)

func asError[T error](err error, target *T) bool { return errors.As(err, target) }

func put(key string, expect int64, state, body string) ledger.Put {
	return ledger.Put{Kind: "payment", Key: key, Expect: expect, State: state, Body: []byte(body)}
}

func puts(p ...ledger.Put) ledger.Commit { return ledger.Commit{Puts: p} }

func testRecords(t *testing.T, b *books) {
	first := put("p1", 0, "accepted", `{"n": 1}`)
	first.Group, first.Due = "us-cn", start.Add(time.Minute)
	b.apply(puts(first))
	r, err := b.l.Record(context.Background(), "payment", "p1")
	if err != nil || r.Version != 1 || r.State != "accepted" || r.Group != "us-cn" || !r.Due.Equal(first.Due) || string(r.Body) != `{"n": 1}` || !r.Created.Equal(r.Updated) {
		t.Fatalf("got %+v, %v", r, err)
	}
	created := r.Created
	b.apply(puts(first)) // the same again
	_ = fails[*ledger.ConflictError](b, puts(put("p1", 0, "accepted", `{"n": 2}`)), "version 1, not 0")
	_ = fails[*ledger.ConflictError](b, puts(put("p1", 2, "paid", `{}`)), "version 1, not 2")
	_ = fails[*ledger.ConflictError](b, puts(put("p9", 1, "paid", `{}`)), "version 0, not 1")
	b.advance(time.Second)
	b.apply(puts(put("p1", 1, "paid", `{"n": 3}`)))
	b.apply(puts(put("p1", 1, "paid", `{"n": 3}`)))
	r, err = b.l.Record(context.Background(), "payment", "p1")
	if err != nil || r.Version != 2 || r.State != "paid" || !r.Due.IsZero() || !r.Created.Equal(created) || !r.Updated.After(created) {
		t.Fatalf("got %+v, %v", r, err)
	}
	b.apply(puts(put("p2", 0, "a", `{}`), put("p2", 1, "b", `{}`), put("p2", 2, "c", ``)))
	if r, err := b.l.Record(context.Background(), "payment", "p2"); err != nil || r.Version != 3 || r.State != "c" || len(r.Body) != 0 {
		t.Fatalf("got %+v, %v", r, err)
	}
	var missing *ledger.NotFoundError
	if _, err := b.l.Record(context.Background(), "payment", "none"); !asError(err, &missing) {
		t.Fatalf("got %v", err)
	}
}

func testRecordQueries(t *testing.T, b *books) {
	var all []ledger.Put
	for i := range 30 {
		p := put(fmt.Sprintf("p%02d", i), 0, []string{"accepted", "paid", "rejected"}[i%3], `{}`)
		p.Group = []string{"us-cn", "cn-us"}[i%2]
		if i%3 == 0 {
			p.Due = start.Add(-time.Duration(i) * time.Minute)
		}
		all = append(all, p)
	}
	b.apply(puts(all...))
	b.apply(puts(ledger.Put{Kind: "run", Key: "r1", State: "open"}))
	ctx := context.Background()
	q := ledger.RecordQuery{Kind: "payment", Group: "us-cn", State: "paid", Limit: 3}
	var keys []string
	for {
		page, err := b.l.Records(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			keys = append(keys, r.Key)
		}
		q.After = page[len(page)-1].Key
	}
	if fmt.Sprint(keys) != "[p04 p10 p16 p22 p28]" {
		t.Fatalf("keys %v", keys)
	}
	if all, err := b.l.Records(ctx, ledger.RecordQuery{Kind: "payment", Limit: 1000}); err != nil || len(all) != 30 {
		t.Fatalf("%d records, %v", len(all), err)
	}
	due, err := b.l.DueRecords(ctx, "payment", start.Add(-20*time.Minute), 2)
	if err != nil || len(due) != 2 || due[0].Key != "p27" || due[1].Key != "p24" {
		t.Fatalf("due %+v, %v", due, err)
	}
	counts, err := b.l.CountRecords(ctx, "payment", "")
	if err != nil || fmt.Sprint(counts) != "map[accepted:10 paid:10 rejected:10]" {
		t.Fatalf("counts %v, %v", counts, err)
	}
	if counts, err = b.l.CountRecords(ctx, "payment", "us-cn"); err != nil || fmt.Sprint(counts) != "map[accepted:5 paid:5 rejected:5]" {
		t.Fatalf("counts %v, %v", counts, err)
	}
}

func testRequire(t *testing.T, b *books) {
	b.funded(1000)
	window := ledger.Put{Kind: "window", Key: "w1", State: "open"}
	require := ledger.Require{Kind: "window", Key: "w1", States: []string{"open", "reopened"}}
	pay := func(p ...ledger.Put) ledger.Commit {
		return ledger.Commit{Requires: []ledger.Require{require}, Transfers: []ledger.Transfer{Move(Alice, Clearing, USD(10))}, Puts: p}
	}
	if e := fails[*ledger.RequirementError](b, pay(), "w1"); e.State != "" {
		t.Fatalf("got %+v", e)
	}
	b.apply(pay(window)) // its own put makes it
	b.apply(pay())
	booked := pay()
	b.apply(booked)
	window.Expect, window.State = 1, "closing"
	b.apply(puts(window))
	if e := fails[*ledger.RequirementError](b, pay(), "closing"); e.State != "closing" {
		t.Fatalf("got %+v", e)
	}
	b.apply(booked) // was booked while it was open
	window.Expect, window.State = 2, "reopened"
	_ = fails[*ledger.RequirementError](b, pay(window), "closing")
	b.balance(Alice, 970, 0, 0, 970)
}

func testReplay(t *testing.T, b *books) {
	b.funded(1000)
	c := ledger.Commit{
		Transfers: []ledger.Transfer{Hold(Alice, Clearing, USD(10))},
		Puts:      []ledger.Put{put("p1", 0, "accepted", `{}`)},
	}
	first := b.apply(c)
	b.apply(puts(put("p1", 1, "claimed", `{}`)))
	b.apply(puts(put("p1", 2, "paid", `{}`)))
	b.advance(time.Hour)
	again := b.apply(c)
	if !again.Booked.Equal(first.Booked) || again.Entries[0].Seq != first.Entries[0].Seq {
		t.Fatalf("again %+v, first %+v", again, first)
	}
	if r, err := b.l.Record(context.Background(), "payment", "p1"); err != nil || r.Version != 3 || r.State != "paid" {
		t.Fatalf("got %+v, %v", r, err)
	}
	b.balance(Alice, 1000, 0, 10, 990)
	// a new process has to look everything up
	other := b.open(t, b.options())
	got, err := other.Apply(context.Background(), c)
	if err != nil || got.Entries[0].Seq != first.Entries[0].Seq || !got.Booked.Equal(first.Booked) {
		t.Fatalf("got %+v, %v", got, err)
	}
	// what it took is gone since, and it is still the same commit
	all := commit(Move(Alice, Clearing, USD(990)))
	first = b.apply(all)
	for _, l := range []ledger.Ledger{b.l, b.open(t, b.options())} {
		if got, err := l.Apply(context.Background(), all); err != nil || got.Entries[0].Seq != first.Entries[0].Seq {
			t.Fatalf("sent again: %+v, %v", got, err)
		}
		var short *ledger.InsufficientError
		if _, err := l.Apply(context.Background(), commit(Move(Alice, Clearing, USD(990)))); !asError(err, &short) {
			t.Fatalf("another one: %v", err)
		}
	}
	c.Puts[0].Body = []byte(`{"other": 1}`)
	if _, err := other.Apply(context.Background(), puts(c.Puts...)); err == nil {
		t.Fatal("another body for the same record was accepted")
	}
}
