package router

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/pkg/client"
)

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

func TestAnotherFirstLegIsTakenWhereTheBestDoesNotLock(t *testing.T) {
	w := newWorld(t)
	w.byHKD(false)
	for i := range w.region.Providers {
		if p := &w.region.Providers[i]; p.Name == "antom" {
			p.Pairs = []plan.Pair{{Sell: "USD", Buy: "HKD"}}
		}
	}
	w.seal()
	w.spreads(map[string]int64{"antom": 1})
	n := &counts{}
	refused := final("lock")
	var e *fx.Error
	if errors.As(refused, &e) {
		e.Provider = "antom"
	}
	w.refusing(map[string]stubborn{"antom": {lock: refused, counts: n}})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	if n.locks != 1 || len(p.Route.Legs) != 2 || p.Route.Legs[0].Provider != "pingpong" || p.Attempt != 1 {
		t.Errorf("%d locks tried, %+v", n.locks, p.Route)
	}
	w.audit()
	w.positions()
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
