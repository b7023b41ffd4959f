package ledgertest

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

func commit(ts ...ledger.Transfer) ledger.Commit { return ledger.Commit{Transfers: ts} }

func testAccounts(t *testing.T, b *books) {
	b.apply(ledger.Commit{Accounts: Fixtures()})
	b.apply(ledger.Commit{Accounts: Fixtures()})
	got, err := b.l.Account(context.Background(), Bob)
	if err != nil || !reflect.DeepEqual(got, Fixtures()[1]) {
		t.Fatalf("got %+v, %v", got, err)
	}
	owned, err := b.l.Accounts(context.Background(), "alice", "", 10)
	if err != nil || len(owned) != 2 || owned[0].ID != AliceCNY || owned[1].ID != Alice {
		t.Fatalf("alice owns %+v, %v", owned, err)
	}
	if rest, err := b.l.Accounts(context.Background(), "alice", AliceCNY, 10); err != nil || len(rest) != 1 || rest[0].ID != Alice {
		t.Fatalf("after the cursor: %+v, %v", rest, err)
	}
	b.balance(Alice, 0, 0, 0, 0)
	other := Fixtures()[0]
	other.Floor = Limit(-1)
	_ = fails[*ledger.ConflictError](b, ledger.Commit{Accounts: []ledger.Account{other}}, "floor")
	var missing *ledger.NotFoundError
	if _, err := b.l.Account(context.Background(), "nobody"); !asError(err, &missing) {
		t.Fatalf("got %v", err)
	}
	if _, err := b.l.Balance(context.Background(), "nobody"); !asError(err, &missing) {
		t.Fatalf("got %v", err)
	}
}

func testImmediate(t *testing.T, b *books) {
	b.funded(1000)
	move := Move(Alice, Clearing, USD(400))
	move.Reference, move.ValueDate = "P-1", time.Date(2026, 10, 9, 0, 0, 0, 0, time.UTC)
	first := b.apply(commit(move))
	again := b.apply(commit(move))
	if !reflect.DeepEqual(first, again) {
		t.Fatalf("sent again: %+v, first: %+v", again, first)
	}
	e := first.Entries[0]
	if e.Seq != 2 || !e.Booked.Equal(first.Booked) || e.ID != move.ID || e.Amount != USD(400) || !e.ValueDate.Equal(move.ValueDate) {
		t.Fatalf("booked as %+v", e)
	}
	b.balance(Alice, 600, 0, 0, 600)
	b.balance(Clearing, 400, 0, 0, 400)
	b.balance(Funding, 1000, 0, 0, 1000)
}

func testConflict(_ *testing.T, b *books) {
	b.funded(1000)
	move := Move(Alice, Clearing, USD(400))
	b.transfer(move)
	for field, change := range map[string]func(*ledger.Transfer){
		"amount":    func(t *ledger.Transfer) { t.Amount = USD(401) },
		"credit":    func(t *ledger.Transfer) { t.Credit = Bob },
		"kind":      func(t *ledger.Transfer) { t.Kind = ledger.Reserve },
		"code":      func(t *ledger.Transfer) { t.Code = "other" },
		"reference": func(t *ledger.Transfer) { t.Reference = "other" },
		"window":    func(t *ledger.Transfer) { t.Window = "other" },
		"valueDate": func(t *ledger.Transfer) { t.ValueDate = start.AddDate(0, 0, -3) },
	} {
		other := move
		change(&other)
		_ = fails[*ledger.ConflictError](b, commit(other), field)
	}
	b.balance(Alice, 600, 0, 0, 600)
}

func testTwoPhase(_ *testing.T, b *books) {
	b.funded(1000)
	hold := Hold(Alice, Clearing, USD(300))
	b.transfer(hold)
	b.balance(Alice, 1000, 0, 300, 700)
	b.balance(Clearing, 0, 300, 0, 0)
	_ = fails[*ledger.InvalidError](b, commit(End(ledger.Post, hold.ID, USD(301))), "more than was reserved")
	part := End(ledger.Post, hold.ID, USD(100))
	if e := b.transfer(part)[0]; e.Debit != Alice || e.Credit != Clearing || e.Released != 300 {
		b.t.Fatalf("posted as %+v", e)
	}
	b.transfer(part) // again: the same answer
	b.balance(Alice, 900, 0, 0, 900)
	b.balance(Clearing, 100, 0, 0, 100)
	_ = fails[*ledger.ConflictError](b, commit(End(ledger.Post, hold.ID, USD(100))), "has been posted")
	_ = fails[*ledger.ConflictError](b, commit(End(ledger.Void, hold.ID, money.Amount{})), "has been posted")

	all := Hold(Alice, Clearing, USD(200))
	post := End(ledger.Post, all.ID, money.Amount{})
	b.transfer(all, post) // both in one commit
	b.transfer(post)
	b.balance(Alice, 700, 0, 0, 700)

	void := Hold(Alice, Clearing, USD(700))
	b.transfer(void)
	_ = fails[*ledger.InsufficientError](b, commit(Move(Alice, Clearing, USD(1))), "floor")
	b.transfer(End(ledger.Void, void.ID, money.Amount{}))
	b.balance(Alice, 700, 0, 0, 700)
	_ = fails[*ledger.ConflictError](b, commit(End(ledger.Post, void.ID, money.Amount{})), "voided")
	_ = fails[*ledger.NotFoundError](b, commit(End(ledger.Post, uuid.New(), money.Amount{})), "reserve")
	_ = fails[*ledger.ConflictError](b, commit(End(ledger.Void, post.ID, money.Amount{})), "kind post")

	wrong := Hold(Alice, Clearing, USD(1))
	b.transfer(wrong)
	bad := End(ledger.Post, wrong.ID, USD(1))
	bad.Debit = Bob
	_ = fails[*ledger.InvalidError](b, commit(bad), Bob)
	bad.Debit, bad.Amount = Alice, money.FromMinor(1, "CNY")
	_ = fails[*ledger.InvalidError](b, commit(bad), "CNY")
}

func testExpiry(t *testing.T, b *books) {
	b.funded(1000)
	hold, keep := Hold(Alice, Clearing, USD(300)), Hold(Alice, Clearing, USD(200))
	hold.Expires = start.Add(time.Minute)
	keep.Expires = start.Add(2 * time.Hour)
	posted := Hold(Alice, Clearing, USD(100))
	posted.Expires = start.Add(time.Minute)
	b.transfer(hold, keep, posted, End(ledger.Post, posted.ID, money.Amount{}))
	b.balance(Alice, 900, 0, 500, 400)
	past := Hold(Alice, Clearing, USD(1))
	past.Expires = start
	_ = fails[*ledger.InvalidError](b, commit(past), "expires")
	past.Expires = start.Add(ledger.MaxReserve + time.Hour)
	_ = fails[*ledger.InvalidError](b, commit(past), "30 days")
	b.advance(time.Hour)
	_, err := b.l.Apply(context.Background(), commit(End(ledger.Post, hold.ID, money.Amount{})))
	var conflict *ledger.ConflictError
	if !asError(err, &conflict) {
		t.Fatalf("posting an expired reserve: %v", err)
	}
	b.eventually("the reserve expires", func() bool {
		bal, err := b.l.Balance(context.Background(), Alice)
		return err == nil && bal.PendingOut == 200
	})
	b.balance(Alice, 900, 0, 200, 700)
	entries, err := b.l.Entries(context.Background(), Alice, 0, 0)
	last := entries[len(entries)-1]
	if err != nil || last.Kind != ledger.Expire || last.Ref != hold.ID || last.Released != 300 || !last.Amount.IsZero() {
		t.Fatalf("last entry %+v, %v", last, err)
	}
	b.transfer(End(ledger.Post, keep.ID, money.Amount{}))
	b.balance(Alice, 700, 0, 0, 700)
	b.advance(ledger.MaxReserve)
	b.transfer(Hold(Alice, Clearing, USD(1)))
	b.balance(Alice, 700, 0, 1, 699)
}

func testReverse(_ *testing.T, b *books) {
	b.funded(1000)
	move := Move(Alice, Clearing, USD(500))
	b.transfer(move)
	refund := End(ledger.Reverse, move.ID, USD(200))
	if e := b.transfer(refund)[0]; e.Debit != Clearing || e.Credit != Alice {
		b.t.Fatalf("reversed as %+v", e)
	}
	b.transfer(refund)
	b.balance(Alice, 700, 0, 0, 700)
	_ = fails[*ledger.InvalidError](b, commit(End(ledger.Reverse, move.ID, USD(301))), "3.00 USD are left")
	b.transfer(End(ledger.Reverse, move.ID, USD(300)))
	_ = fails[*ledger.InvalidError](b, commit(End(ledger.Reverse, move.ID, USD(1))), "0.00 USD are left")
	_ = fails[*ledger.InvalidError](b, commit(End(ledger.Reverse, refund.ID, USD(1))), "can be reversed")
	hold := Hold(Alice, Clearing, USD(10))
	post := End(ledger.Post, hold.ID, USD(6))
	b.transfer(hold, post)
	_ = fails[*ledger.InvalidError](b, commit(End(ledger.Reverse, hold.ID, USD(1))), "is a reserve")
	_ = fails[*ledger.InvalidError](b, commit(End(ledger.Reverse, post.ID, USD(7))), "left")
	b.transfer(End(ledger.Reverse, post.ID, USD(6)))
	b.balance(Alice, 1000, 0, 0, 1000)
}

func testLimits(_ *testing.T, b *books) {
	b.funded(1000)
	e := fails[*ledger.InsufficientError](b, commit(Move(Alice, Clearing, USD(1001))), Alice)
	if e.Available != 1000 || e.Needed != 1001 || e.Limit != "floor" {
		b.t.Fatalf("got %+v", e)
	}
	b.transfer(Move(Bob, Clearing, USD(5000))) // on credit
	b.balance(Bob, -5000, 0, 0, -5000)
	_ = fails[*ledger.InsufficientError](b, commit(Hold(Bob, Clearing, USD(1))), "floor")
	b.transfer(Hold(Funding, Bob, USD(100000)))
	b.balance(Bob, -5000, 100000, 0, -5000)
	e = fails[*ledger.InsufficientError](b, commit(Move(Funding, Bob, USD(5001))), "cap")
	if e.Available != 5000 {
		b.t.Fatalf("got %+v", e)
	}
	b.transfer(Move(Funding, Bob, USD(5000)))
	b.transfer(Move(Alice, Clearing, USD(1000)))
	b.balance(Alice, 0, 0, 0, 0)
}

func testLinked(t *testing.T, b *books) {
	b.funded(10000)
	cny := func(v int64) money.Amount { return money.FromMinor(v, "CNY") }
	fx := []ledger.Transfer{
		Move(Alice, Fees, USD(100)), Move(Alice, FX, USD(1000)),
		Move(FXCNY, AliceCNY, cny(7100)), Move(Spread, AliceCNY, cny(20)),
	}
	broken := slices.Clone(fx)
	broken[3] = Move(Alice, Clearing, USD(9000))
	_ = fails[*ledger.InsufficientError](b, commit(broken...), "floor")
	b.balance(Alice, 10000, 0, 0, 10000)
	b.balance(AliceCNY, 0, 0, 0, 0)
	entries := b.transfer(fx...)
	if len(entries) != 4 || entries[0].Seq != 2 || entries[3].Seq != 5 {
		t.Fatalf("entries %+v", entries)
	}
	b.balance(Alice, 8900, 0, 0, 8900)
	b.balance(AliceCNY, 7120, 0, 0, 7120)
}

func testBadInput(t *testing.T, b *books) {
	b.funded(1000)
	for _, c := range []struct {
		field string
		value string
		edit  func(*ledger.Transfer)
	}{
		{"amount", "0", func(t *ledger.Transfer) { t.Amount = USD(0) }},
		{"amount", "-5", func(t *ledger.Transfer) { t.Amount = USD(-5) }},
		{"amount.currency", "XXX", func(t *ledger.Transfer) { t.Amount = money.FromMinor(5, "XXX") }},
		{"amount.currency", "CNY", func(t *ledger.Transfer) { t.Amount = money.FromMinor(5, "CNY") }},
		{"credit", Alice, func(t *ledger.Transfer) { t.Credit = Alice }},
		{"debit", "a b", func(t *ledger.Transfer) { t.Debit = "a b" }},
		{"credit", "", func(t *ledger.Transfer) { t.Credit = "" }},
		{"id", uuid.Nil.String(), func(t *ledger.Transfer) { t.ID = uuid.Nil }},
		{"kind", "swap", func(t *ledger.Transfer) { t.Kind = "swap" }},
		{"kind", "expire", func(t *ledger.Transfer) { t.Kind = ledger.Expire }},
		{"reference", "a\x00b", func(t *ledger.Transfer) { t.Reference = "a\x00b" }},
		{"ref", uuid.Nil.String(), func(t *ledger.Transfer) { t.Kind = ledger.Reverse }},
	} {
		move := Move(Alice, Clearing, USD(5))
		c.edit(&move)
		e := fails[*ledger.InvalidError](b, commit(move), c.field)
		if e.Field != "transfers[0]."+c.field || e.Value != c.value {
			t.Fatalf("%s: got field %q value %q", c.field, e.Field, e.Value)
		}
	}
	_ = fails[*ledger.NotFoundError](b, commit(Move(Alice, "nobody", USD(5))), "nobody")
	_ = fails[*ledger.InvalidError](b, ledger.Commit{}, "empty")
	_ = fails[*ledger.InvalidError](b, ledger.Commit{Transfers: make([]ledger.Transfer, ledger.MaxTransfers+1)}, "at most 1000")
	_ = fails[*ledger.InvalidError](b, ledger.Commit{Accounts: []ledger.Account{{ID: "x", Type: "purse", Currency: "USD"}}}, "purse")
	_ = fails[*ledger.InvalidError](b, ledger.Commit{Accounts: []ledger.Account{{ID: "x", Type: ledger.Asset, Currency: "CNH"}}}, "CNH")
	b.balance(Alice, 1000, 0, 0, 1000)
	if entries, err := b.l.Entries(context.Background(), Alice, 0, 0); err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
}

func testOverflow(_ *testing.T, b *books) {
	b.funded(1000)
	b.transfer(Move(Funding, Clearing, USD(math.MaxInt64-1500)))
	_ = fails[*ledger.InvalidError](b, commit(Move(Funding, Clearing, USD(501))), "overflows")
	b.transfer(Hold(Funding, Clearing, USD(500)))
	_ = fails[*ledger.InvalidError](b, commit(Move(Funding, Clearing, USD(1))), "overflows")
	b.balance(Funding, math.MaxInt64-500, 500, 0, math.MaxInt64-500)
}
