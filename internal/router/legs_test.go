package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/internal/sim/judge"
	"qiantang.dev/rails/pkg/client"
)

// byHKD has pingpong sell HKD for USD, and lianlian and antom CNY for HKD; direct also has antom take USD to CNY.
func (w *world) byHKD(direct bool) {
	w.Helper()
	for i := range w.region.Providers {
		switch p := &w.region.Providers[i]; p.Name {
		case "pingpong":
			p.Pairs = []plan.Pair{{Sell: "USD", Buy: "HKD"}}
		case "lianlian":
			p.Pairs = []plan.Pair{{Sell: "HKD", Buy: "CNY"}}
		case "antom":
			p.Pairs = []plan.Pair{{Sell: "HKD", Buy: "CNY"}}
			if direct {
				p.Pairs = append(p.Pairs, plan.Pair{Sell: "USD", Buy: "CNY"})
			}
		}
	}
	w.region.Corridors = w.region.Corridors[:1]
	w.seal()
	w.spreads(map[string]int64{"pingpong": 10, "lianlian": 10, "antom": 20})
}

func (w *world) seal() {
	w.Helper()
	if err := plan.Seal(w.region); err != nil {
		w.Fatal(err)
	}
}

func (w *world) spreads(bps map[string]int64) {
	w.Helper()
	for name, b := range bps {
		if err := w.sim.SetFaults(name, sim.Faults{SpreadBps: b}); err != nil {
			w.Fatal(err)
		}
	}
}

// positions checks that every provider's positions in the books are, in each currency, what the simulators say that it got and gave, and
// that clearing accounts are empty. It does not know of refunds.
func (w *world) positions() {
	w.Helper()
	want := map[string]int64{}
	report := w.sim.Report(false)
	for _, s := range append(report.Sums, report.ExchangeSums...) {
		if s.State != judge.Succeeded {
			continue
		}
		sold, err := money.ParseAmount(s.Sold, money.Currency(s.SellCurrency))
		if err != nil {
			w.Fatal(err)
		}
		paid, err := money.ParseAmount(s.Paid, money.Currency(s.BuyCurrency))
		if err != nil {
			w.Fatal(err)
		}
		want[s.Provider+":"+s.SellCurrency] += sold.Minor()
		want[s.Provider+":"+s.BuyCurrency] -= paid.Minor()
	}
	for _, c := range []string{"USD", "HKD", "CNY", "EUR"} {
		for i := range w.region.Providers {
			name := w.region.Providers[i].Name + ":" + c
			if have := w.credit("fx:"+name) + w.credit("spread:"+name); have != want[name] {
				w.Errorf("position %s is %d in the books, %d at the provider", name, have, want[name])
			}
		}
		for i := range w.region.Corridors {
			if id := "clearing:" + w.region.Corridors[i].Name + ":" + c; w.credit(id) != 0 {
				w.Errorf("%s stands at %d", id, w.credit(id))
			}
		}
	}
	exchanges := map[string]int{}
	for _, r := range w.sim.Book().All("", judge.Exchange) {
		if id, _, ours := strings.Cut(r.ID, exchangeMark); ours && r.Fate == judge.Succeeded {
			if exchanges[id]++; exchanges[id] > 1 {
				w.Errorf("exchanged twice for payment %s", id)
			}
		}
	}
}

// credit is an account's credits less its debits, in minor units; nothing where there is no such account.
func (w *world) credit(id string) int64 {
	w.Helper()
	a, err := w.ledger.Account(context.Background(), id)
	var missing *ledger.NotFoundError
	if errors.As(err, &missing) {
		return 0
	}
	b, err2 := w.ledger.Balance(context.Background(), id)
	if err = errors.Join(err, err2); err != nil {
		w.Fatal(err)
	}
	if a.Type == ledger.Asset || a.Type == ledger.Expense {
		return -b.Posted
	}
	return b.Posted
}

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

// stubborn refuses to lock, to exchange or to pay where told to, for good, and counts what gets through.
type stubborn struct {
	fx.Provider
	lock, convert, pay error
	*counts
}

type counts struct {
	mu                    sync.Mutex
	locks, converts, pays int
}

func (p stubborn) refuse(n *int, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	*n++
	return err
}

func (p stubborn) Lock(ctx context.Context, q fx.Quote) (fx.Quote, error) {
	if err := p.refuse(&p.locks, p.lock); err != nil {
		return fx.Quote{}, err
	}
	return p.Provider.Lock(ctx, q)
}

func (p stubborn) Convert(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	if err := p.refuse(&p.converts, p.convert); err != nil {
		return fx.Status{}, err
	}
	return p.Provider.(fx.Converter).Convert(ctx, i)
}

func (p stubborn) QueryConversion(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	return p.Provider.(fx.Converter).QueryConversion(ctx, i)
}

func (p stubborn) Pay(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	if err := p.refuse(&p.pays, p.pay); err != nil {
		return fx.Status{}, err
	}
	return p.Provider.Pay(ctx, i)
}

func final(op string) error {
	return &fx.Error{Op: op, Class: fx.Final, Code: "no", Err: errors.New("we do not want to")}
}

// named gives a provider by what it quotes as.
func named(p fx.Provider) string {
	q, _ := p.Quote(context.Background(), fx.QuoteRequest{Sell: money.FromMinor(100, "USD"), Buy: money.Zero("USD"), Latest: time.Now().Add(time.Minute)})
	return q.Provider
}

// refusing puts a stubborn in the place of each named provider.
func (w *world) refusing(by map[string]stubborn) {
	w.between = func(p fx.Provider) fx.Provider {
		s, ok := by[named(p)]
		if !ok {
			return p
		}
		s.Provider = p
		return s
	}
}

func TestALockThatFailsExecutesNoLeg(t *testing.T) {
	w := newWorld(t)
	w.byHKD(false)
	n := &counts{}
	// antom's quotes are indicative and must be locked; lianlian is dearer.
	w.spreads(map[string]int64{"antom": 5, "lianlian": 30})
	w.refusing(map[string]stubborn{"antom": {lock: final("lock"), counts: n}})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	if n.locks == 0 || p.Route.Provider != "lianlian" || p.Attempt != 1 {
		t.Errorf("%d locks tried, route %+v", n.locks, p.Route)
	}
	w.audit()
	w.positions()

	only := newWorld(t)
	only.byHKD(false)
	only.region.Corridors[0].Providers = []plan.RouteMember{{Name: "pingpong"}, {Name: "antom"}}
	only.seal()
	only.refusing(map[string]stubborn{"antom": {lock: final("lock"), counts: n}})
	r = only.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	_, err := r.api.Pay(t.Context(), "k", request("100.00"))
	if prob := only.problemOf(err); prob.Status != http.StatusUnprocessableEntity || prob.Code() != codeNoRoute {
		t.Errorf("%+v", prob)
	}
	if rep := only.sim.Report(false); rep.Exchanges != 0 || rep.Payouts != 0 {
		t.Errorf("%+v", rep)
	}
	only.audit()
}

func TestAnExchangeRefusedForGoodIsReroutedWhole(t *testing.T) {
	w := newWorld(t)
	w.byHKD(true)
	w.spreads(map[string]int64{"antom": 200})
	n := &counts{}
	w.refusing(map[string]stubborn{"pingpong": {convert: final("pay"), counts: n}})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	if n.converts != 1 || p.Route.Provider != "antom" || len(p.Route.Legs) != 0 || p.Attempt != 2 {
		t.Errorf("%d exchanges sent, %+v", n.converts, p)
	}
	w.audit()
	w.positions()
}

func TestALastLegRefusedForGoodGoesOverAnotherProvider(t *testing.T) {
	w := newWorld(t)
	w.byHKD(false)
	n := &counts{}
	w.refusing(map[string]stubborn{"lianlian": {pay: final("pay"), counts: n}})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	if n.pays != 1 || p.Route.Provider != "antom" || len(p.Route.Legs) != 2 || p.Attempt != 2 {
		t.Errorf("%d payouts sent, %+v", n.pays, p)
	}
	w.audit()
	w.positions()
}

func TestAnExchangeThatLeadsNowhereIsCarriedAndTheCustomerGetsAllBack(t *testing.T) {
	for name, refuse := range map[string]func(w *world){
		"refused by all": func(w *world) {
			w.refusing(map[string]stubborn{"lianlian": {pay: final("pay"), counts: &counts{}}, "antom": {pay: final("pay"), counts: &counts{}}})
		},
		"the rest is above the cap": func(w *world) {
			w.spreads(map[string]int64{"antom": 400})
			w.refusing(map[string]stubborn{"lianlian": {pay: final("pay"), counts: &counts{}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.byHKD(false)
			refuse(w)
			r := w.start("a", nil)
			r.fund("acme", "USD", "1000.00")
			p := r.becomes(r.pay("k", "100.00").ID, client.Rejected)
			if p.Reason == nil || !strings.Contains(p.Reason.Detail, "which the institution keeps") {
				t.Errorf("%+v", p.Reason)
			}
			if got := r.available("customer:acme:USD"); got != "1000.00" {
				t.Errorf("available %s", got)
			}
			between := p.Route.Legs[0].Buy.Value
			for account, want := range map[string]string{
				"carried:us-cn:USD": "-99.50", "carried:us-cn:HKD": between, "settlement:qiantang-pay:USD": "-99.50", "settlement:pingpong:USD": "99.50",
				"settlement:pingpong:HKD": "-" + between, "settlement:qiantang-pay:HKD": between,
			} {
				if got := w.credit(account); money.FromMinor(got, "USD").Decimal() != want {
					t.Errorf("%s stands at %d, want %s", account, got, want)
				}
			}
			w.audit()
			w.positions()
		})
	}
}

func TestUnknownLegsAreQueriedAndNeverSentAgain(t *testing.T) {
	for _, provider := range []string{"pingpong", "lianlian"} {
		for name, c := range map[string]struct {
			pay, query answers
			sent       int
		}{
			"lost answer":      {answers{takenThenLost}, nil, 1},
			"queries fail too": {answers{takenThenLost}, answers{unknown, says(fx.Unknown), says(fx.Pending)}, 1},
			"never arrived":    {answers{unknown}, nil, 2},
			"late":             {answers{func(p func() (fx.Status, error)) (fx.Status, error) { _, _ = p(); return says(fx.Pending)(nil) }}, answers{says(fx.Pending)}, 1},
		} {
			t.Run(provider+" "+name, func(t *testing.T) {
				w := newWorld(t)
				w.byHKD(false)
				s := &scripted{pay: c.pay, query: c.query}
				w.between = func(p fx.Provider) fx.Provider {
					if named(p) != provider {
						return p
					}
					s.Provider = p
					return s
				}
				r := w.start("a", nil)
				r.fund("acme", "USD", "1000.00")
				p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
				r.stop()
				if len(s.paid) != c.sent || p.Attempt != 1 || len(p.Route.Legs) != 2 {
					t.Errorf("sent %v, %+v", s.paid, p)
				}
				for _, id := range append(s.paid, s.asked...) {
					if id != s.paid[0] {
						t.Errorf("instructions %v, queries %v", s.paid, s.asked)
					}
				}
				w.audit()
				w.positions()
			})
		}
	}
}

func TestALastLegThatNeverLeftWaitsAndIsPaid(t *testing.T) {
	w := newWorld(t)
	w.byHKD(false)
	w.region.Corridors[0].Providers = []plan.RouteMember{{Name: "pingpong"}, {Name: "lianlian"}}
	w.seal()
	s := &scripted{pay: answers{retryable, retryable, retryable}}
	w.between = func(p fx.Provider) fx.Provider {
		if named(p) != "lianlian" {
			return p
		}
		s.Provider = p
		return s
	}
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	r.stop()
	if len(s.paid) != 4 || p.Attempt != 4 {
		t.Errorf("sent %v, %+v", s.paid, p)
	}
	w.audit()
	w.positions()
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
