package router

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

func TestWithoutADirectPairThePaymentGoesByAnotherCurrency(t *testing.T) {
	w := newWorld(t)
	w.byHKD(false)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	q, err := r.api.Quote(t.Context(), client.QuoteRequest{Corridor: "us-cn", Amount: client.Money{Currency: "USD", Value: "100.00"}})
	if err != nil || len(q.Routes) != 2 {
		t.Fatalf("%+v, %v", q, err)
	}
	best := q.Routes[0]
	if len(best.Legs) != 2 || best.Provider != "lianlian" || best.Legs[0].Provider != "pingpong" || best.Legs[0].Sell != best.Principal ||
		best.Legs[0].Buy != best.Legs[1].Sell || best.Legs[1].Buy != best.Received || best.Legs[0].ReferenceRate == "" || best.Legs[0].Spread.Value == "0.00" {
		t.Errorf("%+v", best)
	}
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	if len(p.Route.Legs) != 2 || p.Route.Legs[0].Done == nil || p.Route.Legs[0].Reference == "" || p.Attempt != 1 || p.Route.Received != best.Received {
		t.Errorf("%+v", p.Route)
	}
	entries, err := w.ledger.EntriesByReference(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, e := range entries {
		codes = append(codes, fmt.Sprintf("%s %s", e.Code, e.Amount.Currency()))
	}
	want := "payment USD,principal USD,fx HKD,spread HKD,payment USD,fee USD,principal HKD,fx CNY,spread CNY,payout CNY,obligation USD,obligation HKD"
	if got := strings.Join(codes, ","); got != want {
		t.Errorf("booked %s, want %s", got, want)
	}
	for _, c := range []struct{ account, want string }{
		{"settlement:qiantang-pay:USD", "-99.50"}, {"settlement:pingpong:USD", "99.50"},
		{"settlement:pingpong:HKD", "-" + best.Legs[0].Buy.Value}, {"settlement:lianlian:HKD", best.Legs[0].Buy.Value},
	} {
		if got := w.credit(c.account); money.FromMinor(got, "USD").Decimal() != c.want {
			t.Errorf("%s stands at %d, want %s", c.account, got, c.want)
		}
	}
	w.audit()
	w.positions()
}

func TestTheWayByAnotherCurrencyIsTakenWhereItIsCheaper(t *testing.T) {
	for spread, legs := range map[int64]int{200: 2, 15: 0} {
		w := newWorld(t)
		w.byHKD(true)
		w.spreads(map[string]int64{"antom": spread})
		r := w.start("a", nil)
		r.fund("acme", "USD", "1000.00")
		p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
		if len(p.Route.Legs) != legs {
			t.Errorf("at a spread of %d bps: %+v", spread, p.Route)
		}
		w.audit()
		w.positions()
	}
}

func TestARefundOfHalfGivesBackHalfOfEveryLeg(t *testing.T) {
	w := newWorld(t)
	w.byHKD(false)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	half, err := r.api.Refund(t.Context(), "half", p.ID, refundOf("50.00"))
	if err != nil || half.Fee.Value != "0.25" || half.Principal.Value != "49.75" {
		t.Fatalf("%+v, %v", half, err)
	}
	share := func(m client.Money) int64 {
		a, err := money.ParseAmount(m.Value, money.Currency(m.Currency))
		if err != nil {
			t.Fatal(err)
		}
		return a.Minor() - a.Minor()/2
	}
	legs := p.Route.Legs
	for account, want := range map[string]int64{
		"settlement:qiantang-pay:USD": -4975, "settlement:lianlian:HKD": share(legs[1].Sell), "payout:cips:CNY": share(legs[1].Buy),
		"spread:pingpong:HKD": share(legs[0].Spread), "spread:lianlian:CNY": share(legs[1].Spread), "clearing:us-cn:HKD": 0, "clearing:us-cn:CNY": 0, "clearing:us-cn:USD": 0,
	} {
		if got := w.credit(account); got != want {
			t.Errorf("%s stands at %d, want %d", account, got, want)
		}
	}
	if _, err := r.api.Return(t.Context(), p.ID, client.ReturnRequest{Code: "AC04"}); err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{
		"settlement:qiantang-pay:USD", "settlement:pingpong:USD", "settlement:pingpong:HKD", "settlement:lianlian:HKD", "payout:cips:CNY", "fees:us-cn:USD",
		"fx:pingpong:USD", "fx:pingpong:HKD", "fx:lianlian:HKD", "fx:lianlian:CNY", "spread:pingpong:HKD", "spread:lianlian:CNY",
	} {
		if got := w.credit(account); got != 0 {
			t.Errorf("%s stands at %d after the return", account, got)
		}
	}
	if got := r.available("customer:acme:USD"); got != "1000.00" {
		t.Errorf("available %s", got)
	}
}

// TestACrashBetweenLegsLosesNothing kills the router at its first touch of the world, its second, and so on, while payments go by
// another currency.
func TestACrashBetweenLegsLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.byHKD(false)
	w.dieEverywhere(12, func(p *client.Payment) {
		if len(p.Route.Legs) != 2 {
			t.Errorf("%+v", p.Route)
		}
	})
	w.positions()
}

// TestALockThatLapsesWhileTheFirstLegIsUnderWayIsMadeAnew has the first leg take longer than the second is locked for.
func TestALockThatLapsesWhileTheFirstLegIsUnderWayIsMadeAnew(t *testing.T) {
	w := newWorldWith(t, sim.Options{QuoteValidity: time.Hour})
	w.byHKD(false)
	var ahead atomic.Int64
	w.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s := &scripted{pay: answers{func(pass func() (fx.Status, error)) (fx.Status, error) {
		st, err := pass()
		ahead.Store(int64(2 * time.Minute)) // the corridor honours quotes for one
		return st, err
	}}}
	w.between = func(p fx.Provider) fx.Provider {
		if named(p) != "pingpong" {
			return p
		}
		s.Provider = p
		return s
	}
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	first := r.pay("k", "100.00")
	w.spreads(map[string]int64{"antom": 1})
	p := r.becomes(first.ID, client.Paid)
	if p.Attempt != 1 || p.Route.Provider != "antom" || !p.Route.Legs[1].Expires.After(first.Route.Legs[1].Expires) || p.Route.Legs[0].Buy != first.Route.Legs[0].Buy {
		t.Errorf("accepted with %+v, paid with %+v", first.Route, p.Route)
	}
	w.audit()
	w.positions()
}

func TestLegsFollowOneAnother(t *testing.T) {
	rate, err := money.ParseRate("0.9")
	if err != nil {
		t.Fatal(err)
	}
	hkd := func(minor int64) money.Amount { return money.FromMinor(minor, "HKD") }
	first := fx.Quote{Provider: "a", Sell: money.FromMinor(10000, "USD"), Buy: hkd(78000)}
	second := fx.Quote{Provider: "b", ID: "q", Sell: hkd(77000), Buy: money.FromMinor(69300, "CNY"), Rate: rate}
	var moved *fx.Error
	if err := follow([]fx.Quote{first, second}); !errors.As(err, &moved) || moved.Code != "moved" || moved.Class != fx.Final {
		t.Errorf("a lock of another amount: %v", err)
	}
	second.Reusable = true
	legs := []fx.Quote{first, second}
	if err := follow(legs); err != nil || legs[1].Sell != first.Buy || legs[1].Buy.Minor() != 70200 {
		t.Errorf("%+v, %v", legs[1], err)
	}
}

func TestAPaymentWithALegDoneTakesNoStepThatForgetsIt(t *testing.T) {
	legs := []leg{{Provider: "a"}, {Provider: "b"}}
	for name, c := range map[string]struct {
		p       payment
		refused []Event
	}{
		"the first leg under way": {payment{Route: &taken{Legs: legs}, state: client.Uncertain}, []Event{Confirm, Retreat}},
		"the last under way":      {payment{Route: &taken{Legs: legs}, Leg: 1, state: client.Uncertain}, []Event{Exchange, Reroute, Fail, Defer, Cancel}},
		"no legs":                 {payment{Route: &taken{}, state: client.Uncertain}, []Event{Exchange, Retreat}},
		"between the two":         {payment{Route: &taken{Legs: legs[:1]}, Leg: 1, state: client.Exchanged}, []Event{Exchange, Confirm, Cancel, Defer, Reroute}},
	} {
		for _, e := range c.refused {
			var te *TransitionError
			if _, err := c.p.next(e); !errors.As(err, &te) {
				t.Errorf("%s: %s is taken: %v", name, e, err)
			}
		}
	}
}

func TestNotificationsOfEitherLegFindThePayment(t *testing.T) {
	p := &payment{ID: uuid.New(), Attempt: maxOnward, Route: &taken{Legs: make([]leg, 2)}}
	exchange := p.instructionID()
	p.Leg = 1
	payout := p.instructionID()
	if exchange == payout || len(exchange) > 35 {
		t.Errorf("instruction IDs %q and %q", exchange, payout)
	}
	for _, s := range []string{exchange, payout} {
		if id, attempt, ok := parseInstruction(s); !ok || id != p.ID || attempt != maxOnward {
			t.Errorf("%q is read as %s, %d, %v", s, id, attempt, ok)
		}
	}
}
