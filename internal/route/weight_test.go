package route

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

func TestLogarithm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		u := r.Uint64() >> r.IntN(64)
		if u == 0 {
			continue
		}
		got, want := float64(minusLog2(u))/(1<<32), 64-math.Log2(float64(u))
		if math.Abs(got-want) > 1e-5 {
			t.Fatalf("-log2(%d/2^64) = %f, want %f", u, got, want)
		}
	}
}

// shares counts who comes first in many payments.
func shares(c *Corridor, t *testing.T, health map[string]Health) map[string]int {
	t.Helper()
	n := map[string]int{}
	q := quotes(t, "7.1", "7.2", "7.3")
	for i := range 20000 {
		d := c.Choose(Payment{ID: fmt.Sprintf("pay-%d", i), Amount: usd(1000)}, q, inOrder(c, health), money.Rate{}, noon)
		n[d.Routes[0].Provider]++
	}
	return n
}

func TestWeightsAreShares(t *testing.T) {
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) { c.Strategy = Weighted })
	n := shares(c, t, nil)
	for name, want := range map[string]int{"a": 20000 / 6, "b": 20000 / 3, "c": 20000 / 2} {
		if diff := n[name] - want; diff > 400 || diff < -400 {
			t.Errorf("%s has %d of 20000, want about %d", name, n[name], want)
		}
	}
	c = corridor(t, func(_ *plan.Region, c *plan.Corridor) { c.Strategy, c.Providers[2].Weight = Weighted, 0 })
	if n := shares(c, t, nil); n["c"] != 0 {
		t.Errorf("a weight of nothing has %d", n["c"])
	}
	c = corridor(t, func(_ *plan.Region, c *plan.Corridor) {
		c.Strategy, c.Providers[0].Weight, c.Providers[1].Weight, c.Providers[2].Weight = Weighted, 0, 0, 0
	})
	if n := shares(c, t, nil); n["a"] < 6000 || n["b"] < 6000 || n["c"] < 6000 {
		t.Errorf("no weights: %v", n)
	}
}

func TestOnlyALostProvidersPaymentsMove(t *testing.T) {
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) { c.Strategy = Weighted })
	for i := range 500 {
		p := Payment{ID: fmt.Sprintf("pay-%d", i), Amount: usd(1000)}
		all := c.Choose(p, quotes(t, "7.1", "7.2", "7.3"), nil, money.Rate{}, noon)
		without := c.Choose(p, quotes(t, "7.1", "7.2", ""), nil, money.Rate{}, noon)
		want := all.Routes[0].Provider
		if want == "c" {
			want = all.Routes[1].Provider
		}
		if got := without.Routes[0].Provider; got != want {
			t.Fatalf("%s goes to %s, without c to %s", p.ID, want, got)
		}
	}
}

func TestFailingProvidersLoseTheirShare(t *testing.T) {
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) {
		c.Strategy, c.Providers[0].Weight, c.Providers[1].Weight, c.Providers[2].Weight = SuccessRate, 1, 1, 1
	})
	n := shares(c, t, map[string]Health{"a": {FailureBps: 5000}, "b": {FailureBps: 100}})
	// In proportion to 1/51, 1/2 and 1.
	if n["a"] < 100 || n["a"] > 500 || n["b"] < 6000 || n["b"] > 7200 || n["c"] < 12400 {
		t.Errorf("%v", n)
	}
}

func TestTallyForgets(t *testing.T) {
	var tally Tally
	if tally.FailureBps(noon, time.Minute) != 0 {
		t.Error("nothing known is no failure")
	}
	for range 9 {
		tally = tally.Observe(true, noon, time.Minute)
	}
	for range 10 {
		tally = tally.Observe(false, noon, time.Minute)
	}
	last := tally.FailureBps(noon, time.Minute)
	if last != 5000 {
		t.Errorf("10 of 20: %d", last)
	}
	for i := 1; i < 200; i++ {
		now := tally.FailureBps(noon.Add(time.Duration(i)*7*time.Second), time.Minute)
		if now > last {
			t.Fatalf("after %d × 7 s %d, before %d", i, now, last)
		}
		last = now
	}
	if last != 0 || tally.FailureBps(noon.Add(100*time.Hour), time.Minute) != 0 {
		t.Errorf("in the end %d", last)
	}
	if late := tally.Observe(true, noon.Add(-time.Hour), time.Minute); late.FailureBps(noon, time.Minute) >= 5000 {
		t.Error("an observation from before is still one")
	}
	recovered := tally
	for i := range 50 {
		recovered = recovered.Observe(true, noon.Add(time.Duration(i)*time.Second), time.Minute)
	}
	if got := recovered.FailureBps(noon.Add(50*time.Second), time.Minute); got > 1500 {
		t.Errorf("after fifty successes %d", got)
	}
}
