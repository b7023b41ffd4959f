package router

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/money"
)

// drawLegged is a payment by way of a third currency, with any split of its amount.
func drawLegged(t *rapid.T) *payment {
	p := drawPayment(t)
	const between = "HKD"
	r := p.Route
	mid := rapid.Int64Range(1, 1e12).Draw(t, "between")
	spread := rapid.Int64Range(1-mid, 1e9).Draw(t, "first leg's spread")
	hkd := func(minor int64) sum { return sum{money.FromMinor(minor, between)} }
	first := rapid.SampledFrom([]string{"", "self", "exchange"}).Draw(t, "first leg's")
	r.Legs = []leg{
		{Provider: "q", Participant: first, Sell: r.Principal, Buy: hkd(mid), Spread: hkd(spread)},
		{Provider: r.Provider, Participant: r.Participant, Sell: hkd(mid), Buy: r.Received, Spread: r.Spread},
	}
	return p
}

func (b *books) exchangeAndPay(p *payment, window string) {
	b.t.Helper()
	b.book(bookReserve(p))
	e, err := bookExchange(p)
	if err != nil {
		b.t.Fatal(err)
	}
	b.book(e)
	p.Leg = 1
	if e, err = bookPaid(p, window); err != nil {
		b.t.Fatal(err)
	}
	b.book(e)
	p.Window = window
}

func (b *books) cleared(p *payment) {
	b.t.Helper()
	for _, c := range []money.Currency{p.Amount.Currency(), "HKD", p.Route.Received.Currency()} {
		b.want("clearing:us-cn:"+string(c), 0)
	}
}

func TestLegsAccountForEveryMinorUnitAndRefundsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawLegged(t)
		b := newBooks(t)
		b.exchangeAndPay(p, "w1")
		b.cleared(p)
		first, last := p.Route.Legs[0], p.Route.Legs[1]
		b.want("spread:q:HKD", first.Spread.Minor())
		b.want("fx:q:HKD", -first.Buy.Minor()-first.Spread.Minor())
		b.want("fx:p:HKD", last.Sell.Minor())
		b.want("payout:cips:"+string(p.Route.Received.Currency()), p.Route.Received.Minor())
		total, back := p.Amount.Minor(), int64(0)
		for i := 0; i < 4 && back < total-1; i++ {
			to := rapid.Int64Range(back+1, total-1).Draw(t, "to")
			e, err := bookBack(p, fmt.Sprintf("refund/%d", i), back, to, "w2")
			if err != nil {
				t.Fatal(err)
			}
			b.book(e)
			back = to
			p.Refunded = sum{money.FromMinor(back, p.Amount.Currency())}
			b.cleared(p)
		}
		rest, err := bookReturn(p, "w3")
		if err != nil {
			t.Fatal(err)
		}
		b.book(rest)
		for account := range b.balance {
			b.want(account, 0)
		}
	})
}

func TestACarriedExchangeLeavesTheCustomerWholeAndClearingEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawLegged(t)
		b := newBooks(t)
		b.book(bookReserve(p))
		e, err := bookExchange(p)
		if err != nil {
			t.Fatal(err)
		}
		b.book(e)
		p.Leg = 1
		b.book(bookCarry(p, "self", "w1"))
		b.cleared(p)
		b.want(p.Account, 0)
		b.want("carried:us-cn:"+string(p.Amount.Currency()), -p.Route.Principal.Minor())
		b.want("carried:us-cn:HKD", p.Route.Legs[0].Buy.Minor())
		owed := p.Route.Legs[0].Buy.Minor()
		if p.Schedule == "" || p.Route.Legs[0].Participant != "exchange" {
			owed = 0
		}
		b.want("settlement:self:HKD", owed)
		b.want("settlement:exchange:HKD", -owed)
	})
}

func TestLegsThatDoNotAddUpAreNotBooked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawLegged(t)
		l := &p.Route.Legs[1].Sell
		*l = sum{money.FromMinor(l.Minor()+1, l.Currency())}
		if _, err := bookExchange(p); err == nil {
			t.Fatal("booked a leg that sells what the one before it did not buy")
		}
	})
}
