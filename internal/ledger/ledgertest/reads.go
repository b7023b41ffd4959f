package ledgertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/engine"
	"qiantang.dev/rails/internal/money"
)

func testWindows(t *testing.T, b *books) {
	b.l = b.open(t, engine.Options{Clock: b.clock, TailTarget: 8}) // so that positions are written now and then
	b.funded(100000)
	const window = "shanghai-daily@2026-10-12T09:00:00Z#1"
	for i := range 30 {
		move, other := Move(Alice, Clearing, USD(10)), Move(Alice, Clearing, USD(1000))
		move.Window, other.Window = window, "other"
		hold := Hold(Clearing, Bob, USD(5))
		hold.Window = window
		post := End(ledger.Post, hold.ID, USD(4))
		post.Window = window
		b.transfer(move, other, hold, post)
		got, err := b.l.WindowPositions(context.Background(), window)
		n := int64(i + 1)
		want := []ledger.Position{
			{Account: Clearing, Currency: "USD", Debits: 4 * n, Credits: 10 * n, Count: 2 * n},
			{Account: Alice, Currency: "USD", Debits: 10 * n, Count: n},
			{Account: Bob, Currency: "USD", Credits: 4 * n, Count: n},
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("after %d: got %v, %v, want %v", n, got, err, want)
		}
	}
	if got, err := b.l.WindowPositions(context.Background(), "none"); err != nil || len(got) != 0 {
		t.Fatalf("got %v, %v", got, err)
	}
}

func testBalanceAt(t *testing.T, b *books) {
	b.funded(1000)
	var times []time.Time
	for range 10 {
		b.advance(time.Minute)
		times = append(times, b.apply(commit(Move(Alice, Clearing, USD(10)), Hold(Alice, Clearing, USD(1)))).Booked)
	}
	for i, at := range times {
		n := int64(i + 1)
		got, err := b.l.BalanceAt(context.Background(), Alice, at.Add(30*time.Second))
		if err != nil || got.Posted != 1000-10*n || got.PendingOut != n || got.Seq != uint64(1+2*n) {
			t.Fatalf("at %d: %+v, %v", i, got, err)
		}
	}
	if got, err := b.l.BalanceAt(context.Background(), Alice, start.Add(-time.Hour)); err != nil || got.Posted != 0 || got.Seq != 0 {
		t.Fatalf("before all: %+v, %v", got, err)
	}
}

func testEntries(t *testing.T, b *books) {
	b.funded(1000)
	for i := range 20 {
		move := Move(Alice, Clearing, USD(1))
		if i%2 == 1 {
			move = Move(Clearing, Alice, USD(1))
		}
		move.Reference = fmt.Sprintf("P-%d", i%4)
		b.transfer(move)
	}
	var seqs []uint64
	for after := uint64(0); ; {
		page, err := b.l.Entries(context.Background(), Alice, after, 6)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			seqs = append(seqs, e.Seq)
		}
		after = page[len(page)-1].Seq
	}
	if len(seqs) != 21 || seqs[0] != 1 || seqs[20] != 21 {
		t.Fatalf("seqs %v", seqs)
	}
	got, err := b.l.EntriesByReference(context.Background(), "P-1")
	if err != nil || len(got) != 5 || got[0].Seq != 3 || got[4].Seq != 19 || got[0].Debit != Clearing {
		t.Fatalf("by reference %+v, %v", got, err)
	}
}

// Some of a reference's entries are found by their IDs, others by the reference itself, and those of its neighbours in time by neither.
func testReferences(t *testing.T, b *books) {
	b.l = b.open(t, engine.Options{Clock: b.clock})
	b.funded(100000)
	payment := uuid.Must(uuid.NewV7())
	neighbour := payment
	neighbour[15]++
	near := func(of uuid.UUID) uuid.UUID {
		id := uuid.New()
		copy(id[:6], of[:6])
		return id
	}
	var want []uuid.UUID
	for i, id := range []uuid.UUID{near(payment), uuid.New(), near(payment), near(payment), uuid.New()} {
		move := Move(Alice, Fees, USD(1))
		move.ID, move.Reference = id, payment.String()
		if i == 3 {
			move.Reference = neighbour.String()
		} else {
			want = append(want, id)
		}
		b.transfer(move)
	}
	got, err := b.l.EntriesByReference(context.Background(), payment.String())
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d entries, %v", len(got), err)
	}
	for i := range got {
		if got[i].ID != want[i] {
			t.Errorf("entry %d is %s, want %s", i, got[i].ID, want[i])
		}
	}
	for _, none := range []string{strings.ToUpper(payment.String()), "urn:uuid:" + payment.String(), "P-0"} {
		if got, err := b.l.EntriesByReference(context.Background(), none); err != nil || len(got) != 0 {
			t.Errorf("%s: %d entries, %v", none, len(got), err)
		}
	}
}

func testTrialBalance(t *testing.T, b *books) {
	b.l = b.open(t, engine.Options{Clock: b.clock, TailTarget: 4})
	b.funded(100000)
	for range 20 {
		hold := Hold(Alice, Clearing, USD(7))
		b.transfer(Move(Alice, Fees, USD(3)), hold, End(ledger.Post, hold.ID, USD(5)), Move(FXCNY, AliceCNY, money.FromMinor(9, "CNY")))
		b.transfer(Hold(Alice, Clearing, USD(1)))
		lines, err := b.l.TrialBalance(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		sum, accounts := map[money.Currency]int64{}, 0
		for _, l := range lines {
			sum[l.Currency] += l.Debits.Minor() - l.Credits.Minor()
			accounts += l.Accounts
		}
		if sum["USD"] != 0 || sum["CNY"] != 0 || accounts != len(Fixtures()) {
			t.Fatalf("sums %v over %d accounts in %+v", sum, accounts, lines)
		}
	}
	lines, _ := b.l.TrialBalance(context.Background())
	for _, l := range lines {
		if l.Currency == "USD" && l.Type == ledger.Income && l.Credits.Minor() != 60 {
			t.Fatalf("income %+v", l)
		}
	}
}

func testClockBack(t *testing.T, b *books) {
	b.funded(1000)
	last := b.apply(commit(Move(Alice, Clearing, USD(1)))).Booked
	b.advance(-24 * time.Hour)
	for range 3 {
		booked := b.apply(commit(Move(Alice, Clearing, USD(1)))).Booked
		if !booked.After(last) {
			t.Fatalf("booked at %v after %v", booked, last)
		}
		last = booked
	}
}

func testRestart(t *testing.T, b *books) {
	b.funded(1000)
	hold := Hold(Alice, Clearing, USD(300))
	b.transfer(hold)
	b.apply(puts(put("p1", 0, "accepted", `{}`)))
	if err := b.l.Close(); err != nil {
		t.Fatal(err)
	}
	b.l = b.open(t, b.options())
	b.balance(Alice, 1000, 0, 300, 700)
	b.apply(ledger.Commit{Transfers: []ledger.Transfer{End(ledger.Post, hold.ID, USD(200))}, Puts: []ledger.Put{put("p1", 1, "paid", `{}`)}})
	b.transfer(Move(Alice, Clearing, USD(800)))
	_ = fails[*ledger.InsufficientError](b, commit(Move(Alice, Clearing, USD(1))), "floor")
	b.balance(Alice, 0, 0, 0, 0)
	b.balance(Clearing, 1000, 0, 0, 1000)
}

func testTwoWriters(t *testing.T, b *books) {
	b.l = b.open(t, engine.Options{Clock: b.clock, TailTarget: 16})
	b.funded(10000)
	writers := []ledger.Ledger{b.l, b.open(t, engine.Options{Clock: b.clock, TailTarget: 32}), b.open(t, engine.Options{Clock: b.clock})}
	var wg sync.WaitGroup
	errs := make(chan error, 600)
	for w, l := range writers {
		for range 4 {
			wg.Go(func() {
				for range 25 {
					hold := Hold(Alice, Clearing, USD(2))
					if _, err := l.Apply(context.Background(), commit(hold, Move(Funding, Fees, USD(1)))); err != nil {
						errs <- err
						return
					}
					// another writer ends it
					if _, err := writers[(w+1)%3].Apply(context.Background(), commit(End(ledger.Post, hold.ID, USD(1)))); err != nil {
						errs <- err
						return
					}
				}
			})
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	b.balance(Alice, 9700, 0, 0, 9700)
	b.balance(Fees, 300, 0, 0, 300)
	b.balance(Funding, 10300, 0, 0, 10300)
	for _, l := range writers {
		if _, err := l.Apply(context.Background(), commit(Move(Alice, Clearing, USD(9701)))); err == nil {
			t.Fatal("overdrawn")
		}
	}
}

func testOneBad(t *testing.T, b *books) {
	b.funded(100)
	var wg sync.WaitGroup
	var mu sync.Mutex
	ok := 0
	var other []error
	for range 64 {
		wg.Go(func() {
			_, err := b.l.Apply(context.Background(), commit(Move(Alice, Clearing, USD(5)), Move(Funding, Fees, USD(1))))
			mu.Lock()
			defer mu.Unlock()
			var insufficient *ledger.InsufficientError
			if err == nil {
				ok++
			} else if !asError(err, &insufficient) {
				other = append(other, err)
			}
		})
	}
	wg.Wait()
	if ok != 20 || len(other) > 0 {
		t.Fatalf("%d succeeded, want 20; other errors %v", ok, other)
	}
	b.balance(Alice, 0, 0, 0, 0)
	b.balance(Fees, 20, 0, 0, 20)
}

func testClosed(t *testing.T, b *books) {
	b.funded(100)
	if err := b.l.Ping(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_ = fails[*ledger.UnavailableError](b, commit(Move(Alice, Clearing, USD(5))), "closed")
	var away *ledger.UnavailableError
	if _, err := b.l.Balance(context.Background(), Alice); !asError(err, &away) {
		t.Fatalf("got %v", err)
	}
	if err := b.l.Ping(context.Background()); err == nil {
		t.Fatal("a closed ledger answers")
	}
}

func testSmallCaches(t *testing.T, b *books) {
	b.l = b.open(t, engine.Options{Clock: b.clock, MaxCached: 4, TailTarget: 4, MaxBatch: 3})
	accounts := make([]ledger.Account, 40)
	for i := range accounts {
		accounts[i] = ledger.Account{ID: fmt.Sprintf("customer:c%d:USD", i), Type: ledger.Liability, Currency: "USD", Floor: Limit(0)}
	}
	b.apply(ledger.Commit{Accounts: slices.Concat(accounts, Fixtures())})
	var holds []uuid.UUID
	for i := range accounts {
		hold := Hold(accounts[i].ID, Clearing, USD(40))
		b.transfer(Move(Funding, accounts[i].ID, USD(100)), hold)
		holds = append(holds, hold.ID)
		b.apply(puts(put(accounts[i].ID, 0, "a", `{}`)))
	}
	for i := range accounts {
		b.transfer(End(ledger.Post, holds[i], USD(30)))
		b.apply(puts(put(accounts[i].ID, 1, "b", `{}`)))
		_ = fails[*ledger.InsufficientError](b, commit(Move(accounts[i].ID, Clearing, USD(71))), "floor")
		b.balance(accounts[i].ID, 70, 0, 0, 70)
	}
	b.balance(Clearing, 1200, 0, 0, 1200)
}
