package route

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

// scene is a drawn corridor with everything that a choice needs.
type scene struct {
	c       *Corridor
	payment Payment
	quotes  []fx.Quote
	health  map[string]Health
	ref     money.Rate
	now     time.Time
}

func drawScene(t *rapid.T) scene {
	now := noon.Add(time.Duration(rapid.IntRange(-300, 300).Draw(t, "hours")) * time.Hour)
	pick := func(list ...string) string { return rapid.SampledFrom(list).Draw(t, "pick") }
	r := region(func(r *plan.Region, c *plan.Corridor) {
		c.Strategy = rapid.SampledFrom(Strategies).Draw(t, "strategy")
		c.SpreadCapBps = rapid.SampledFrom([]int64{0, 0, 30, 200}).Draw(t, "cap")
		if rapid.Bool().Draw(t, "fees") {
			c.FeeTiers = []plan.FeeTier{{From: "0", Bps: 30, Min: "0.50"}, {From: "100", Bps: 25, Fixed: "0.10", Max: "40"}}
		}
		r.Rails[0].MaxAmount, r.Rails[1].MinAmount = pick("", "100", "70000"), pick("", "1")
		for range rapid.IntRange(0, 4).Draw(t, "rules") {
			c.Rules = append(c.Rules, plan.Rule{
				Name: "r", Action: pick(rules.Prefer, rules.Exclude, rules.Prefer),
				When: pick("true", "provider.name == 'a'", "quote.spreadBps > 20", "rail.finality == 'Immediate'", "payment.amount > 500",
					"now.hour('Asia/Shanghai') > 12 && provider.name != 'b'", "payment.metadata.x == 'y'"),
				Providers: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2, rapid.ID).Draw(t, "providers"),
			})
		}
	})
	c, err := New(r, "us-cn")
	if err != nil {
		t.Fatal(err)
	}
	s := scene{c: c, now: now, health: map[string]Health{}}
	s.payment = Payment{ID: rapid.StringN(0, 8, -1).Draw(t, "id"), Amount: usd(rapid.Int64Range(1, 2_000_000).Draw(t, "amount"))}
	if rapid.Bool().Draw(t, "reference") {
		s.ref, _ = money.ParseRate("7.15")
	}
	fee, err := c.Fee(s.payment.Amount)
	if err != nil {
		t.Fatal(err)
	}
	principal, _ := s.payment.Amount.Sub(fee)
	for _, name := range []string{"a", "b", "c"} {
		for _, pair := range [][2]money.Currency{{"USD", "CNY"}, {"USD", "HKD"}, {"HKD", "CNY"}} {
			if rapid.IntRange(0, 3).Draw(t, "silent") == 0 {
				continue
			}
			rt, err := money.ParseRate(map[money.Currency]string{"USDCNY": "7.1", "USDHKD": "7.7", "HKDCNY": "0.91"}[pair[0]+pair[1]] +
				rapid.StringMatching(`[0-9]{0,3}`).Draw(t, "rate"))
			if err != nil {
				t.Fatal(err)
			}
			q := fx.Quote{Provider: name, Sell: money.Zero(pair[0]), Buy: money.Zero(pair[1]), Rate: rt,
				Expires: now.Add(time.Duration(rapid.IntRange(-5, 90).Draw(t, "ttl")) * time.Second)}
			if rapid.Bool().Draw(t, "firm") && pair[0] == "USD" && principal.IsPositive() {
				q.ID, q.Sell = name, principal
				if q.Buy, err = principal.Convert(rt, pair[1], money.HalfUp); err != nil {
					t.Fatal(err)
				}
			}
			s.quotes = append(s.quotes, q)
		}
		if rapid.IntRange(0, 3).Draw(t, "ill") == 0 {
			s.health[name] = Health{Down: rapid.Bool().Draw(t, "down"), FailureBps: rapid.Int64Range(0, 10000).Draw(t, "failures")}
		}
	}
	return s
}

func (s scene) choose() Decision {
	return s.c.Choose(s.payment, s.quotes, inOrder(s.c, s.health), s.ref, s.now)
}

func TestTheSameInputGivesTheSameDecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		first := s.choose()
		if again := s.choose(); !reflect.DeepEqual(first, again) {
			t.Fatalf("%+v, then %+v", first, again)
		}
		// The order in which quotes come does not matter.
		shuffled := s
		shuffled.quotes = slices.Clone(s.quotes)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)).Shuffle(len(s.quotes), func(i, j int) {
			shuffled.quotes[i], shuffled.quotes[j] = shuffled.quotes[j], shuffled.quotes[i]
		})
		a, b := first.Routes, shuffled.choose().Routes
		if s.c.plan.Strategy == Weighted || s.c.plan.Strategy == SuccessRate || !reflect.DeepEqual(a, b) {
			key := func(r Route) string { return fmt.Sprint(r.Provider, r.Rail, r.Received, len(r.Legs)) }
			for i := range a {
				if key(a[i]) != key(b[i]) {
					t.Fatalf("route %d: %s, but %s when quotes come in another order", i, key(a[i]), key(b[i]))
				}
			}
		}
	})
}

func TestMoneyAddsUpOnEveryRoute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		d := s.choose()
		for _, r := range d.Routes {
			sum, err := r.Fee.Add(r.Principal)
			if err != nil || sum != s.payment.Amount {
				t.Fatalf("fee %v + principal %v is not %v", r.Fee, r.Principal, s.payment.Amount)
			}
			at := r.Principal
			for _, leg := range r.Locks() {
				next, err := at.Convert(leg.Rate, leg.Buy.Currency(), money.HalfUp)
				if err != nil {
					t.Fatal(err)
				}
				at = next
			}
			if at != r.Received || !r.Received.IsPositive() {
				t.Fatalf("received %v, the quotes say %v", r.Received, at)
			}
			if !s.ref.IsZero() {
				middle, err := r.Principal.Convert(s.ref, "CNY", money.HalfUp)
				if err != nil {
					t.Fatal(err)
				}
				if whole, err := r.Received.Add(r.Spread); err != nil || whole != middle {
					t.Fatalf("received %v + spread %v is not the middle %v", r.Received, r.Spread, middle)
				}
				if want, err := r.Quote.Rate.SpreadBps(s.ref); len(r.Legs) == 0 && (err != nil || want != r.SpreadBps) {
					t.Fatalf("%d bps, money says %d", r.SpreadBps, want)
				}
			}
		}
	})
}

func TestNoRouteBreaksALimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		d := s.choose()
		for _, r := range d.Routes {
			i := slices.IndexFunc(s.c.rails, func(x *rail) bool { return x.Name == r.Rail })
			rl := s.c.rails[i]
			if !rl.hours.IsOpen(s.now) {
				t.Fatalf("%s is closed at %v", r.Rail, s.now)
			}
			if low, err := amountOrZero(rl.MinAmount, "CNY"); err != nil || r.Received.Minor() < low.Minor() {
				t.Fatalf("%v is below %s", r.Received, rl.MinAmount)
			}
			if high, err := amountOrZero(rl.MaxAmount, "CNY"); err != nil || (rl.MaxAmount != "" && r.Received.Minor() > high.Minor()) {
				t.Fatalf("%v is above %s", r.Received, rl.MaxAmount)
			}
			for _, q := range r.Locks() {
				if !q.Expires.After(s.now) || s.health[q.Provider].Down {
					t.Fatalf("route over %+v", q)
				}
			}
			if r.Quote.Expires.After(s.now.Add(30 * time.Second)) {
				t.Fatalf("expires %v", r.Quote.Expires)
			}
			if limit := s.c.plan.SpreadCapBps; limit > 0 && (s.ref.IsZero() || r.SpreadBps > limit) {
				t.Fatalf("%d bps with a cap of %d, reference %v", r.SpreadBps, limit, s.ref)
			}
		}
	})
}

func TestEveryMemberIsAccountedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		d := s.choose()
		if d.Denied != nil {
			return
		}
		for _, name := range []string{"a", "b", "c"} {
			for _, rl := range s.c.rails {
				routed := slices.ContainsFunc(d.Routes, func(r Route) bool { return r.Provider == name && r.Rail == rl.Name })
				said := slices.ContainsFunc(d.Skipped, func(x Skipped) bool {
					return (x.Provider == name || x.Provider == "") && (x.Rail == rl.Name || x.Rail == "")
				})
				first := slices.ContainsFunc(d.Routes, func(r Route) bool { return len(r.Legs) > 0 && r.Legs[0].Provider == name })
				if !routed && !said && !first && !s.onlyFirstLegs(name) {
					t.Fatalf("nothing is said of %s on %s: %s", name, rl.Name, d.Why())
				}
			}
		}
	})
}

// onlyFirstLegs reports whether a provider quoted nothing that pays out.
func (s scene) onlyFirstLegs(name string) bool {
	return !slices.ContainsFunc(s.quotes, func(q fx.Quote) bool { return q.Provider == name && q.Buy.Currency() == "CNY" })
}

func TestRankingIsATotalOrder(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) entry {
		small := func(name string) int32 { return rapid.Int32Range(0, 2).Draw(t, name) }
		return entry{preference: small("p"), member: small("m"), offer: small("o"), rail: small("r"), immediate: rapid.Bool().Draw(t, "i"),
			primary: int64(small("s")), received: int64(small("a")), arrival: time.Duration(small("t"))}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := draw.Draw(t, "a"), draw.Draw(t, "b"), draw.Draw(t, "c")
		if compare(&a, &b) != -compare(&b, &a) || (compare(&a, &b) == 0) != (a == b) {
			t.Fatalf("%+v and %+v", a, b)
		}
		if compare(&a, &b) <= 0 && compare(&b, &c) <= 0 && compare(&a, &c) > 0 {
			t.Fatalf("%+v, %+v, %+v", a, b, c)
		}
	})
}

func TestFixedPointAgreesWithMoney(t *testing.T) {
	currencies := []money.Currency{"USD", "JPY", "BHD", "CLF", "CNY"}
	rapid.Check(t, func(t *rapid.T) {
		from, to := rapid.SampledFrom(currencies).Draw(t, "from"), rapid.SampledFrom(currencies).Draw(t, "to")
		a := money.FromMinor(rapid.Int64Range(0, 1e15).Draw(t, "minor"), from)
		r, err := money.ParseRate(rapid.StringMatching(`[1-9][0-9]{0,4}\.[0-9]{1,12}`).Draw(t, "rate"))
		if err != nil {
			t.Fatal(err)
		}
		ref, err := money.ParseRate(rapid.StringMatching(`[1-9][0-9]{0,4}\.[0-9]{1,12}`).Draw(t, "ref"))
		if err != nil {
			t.Fatal(err)
		}
		fixed, ok := r.Fixed()
		fixedRef, _ := ref.Fixed()
		got, fits := newConverter(from, to).convert(a.Minor(), fixed)
		want, err := a.Convert(r, to, money.HalfUp)
		if !ok || fits != (err == nil) || (fits && got != want.Minor()) {
			t.Fatalf("%v at %v: %d %v, money says %v %v", a, r, got, fits, want, err)
		}
		bps, err := r.SpreadBps(ref)
		if err == nil && bps != spreadBps(fixed, fixedRef) {
			t.Fatalf("%v against %v: %d bps, money says %d", r, ref, spreadBps(fixed, fixedRef), bps)
		}
		for _, limit := range []int64{0, 1, 25, 10000} {
			if beyondCap(fixed, fixedRef, limit) && spreadBps(fixed, fixedRef) < limit {
				t.Fatalf("%v against %v is beyond %d", r, ref, limit)
			}
			if !beyondCap(fixed, fixedRef, limit) && spreadBps(fixed, fixedRef) > limit {
				t.Fatalf("%v against %v is not beyond %d", r, ref, limit)
			}
		}
		if back, err := rateOf(fixed); err != nil || strings.TrimRight(back.String(), "0") == "" {
			t.Fatalf("%v comes back as %v, %v", r, back, err)
		}
	})
}
