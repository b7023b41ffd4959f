package route

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

func TestChoosingAtOnceIsAsChoosingAlone(t *testing.T) {
	c := corridor(t, func(_ *plan.Region, c *plan.Corridor) {
		c.Strategy = Weighted
		c.Rules = []plan.Rule{{Name: "x", When: "quote.spreadBps > 100 && payment.metadata.tier == 'gold'", Action: rules.Exclude}}
	})
	q := quotes(t, "7.1", "7.11", "7.12")
	for i := range q {
		q[i].Expires = noon.Add(48 * time.Hour)
	}
	ref := rate(t, "7.15")
	choose := func(i int) Decision {
		p := Payment{ID: string(rune('A' + i)), Amount: usd(int64(i+1) * 1000), Metadata: map[string]string{"tier": []string{"gold", "tin"}[i%2]}}
		return c.Choose(p, q, nil, ref, noon.Add(time.Duration(i)*time.Hour))
	}
	var alone []Decision
	for i := range 24 {
		alone = append(alone, choose(i))
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for round := range 50 {
				i := (worker*7 + round) % 24
				if d := choose(i); !reflect.DeepEqual(d, alone[i]) {
					t.Errorf("%d: %s, alone %s", i, order(d), order(alone[i]))
				}
			}
		})
	}
	wg.Wait()
}

func TestADecisionsMemoryIsUsedAgain(t *testing.T) {
	c := corridor(t, nil)
	p := Payment{ID: "p", Amount: usd(1000)}
	var d Decision
	c.ChooseInto(&d, &p, quotes(t, "7.1", "7.2", "7.3"), nil, rate(t, "7.2"), noon)
	if order(d) != "c/night b/night a/night" {
		t.Fatal(d.Why())
	}
	c.ChooseInto(&d, &p, quotes(t, "7.1"), nil, rate(t, ""), noon)
	fresh := c.Choose(p, quotes(t, "7.1"), nil, rate(t, ""), noon)
	if !reflect.DeepEqual(d, fresh) {
		t.Errorf("%+v, fresh %+v", d, fresh)
	}
	c.ChooseInto(&d, &Payment{Amount: usd(0)}, nil, nil, rate(t, ""), noon)
	if d.Denied == nil || len(d.Routes)+len(d.Skipped) != 0 {
		t.Errorf("%+v", d)
	}
	if len(fresh.Skipped) != 4 {
		t.Errorf("%+v", fresh.Skipped)
	}
}
