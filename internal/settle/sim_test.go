package settle

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
)

func TestAClearingSystemThatMisbehavesIsSettledWithOnceAllTheSame(t *testing.T) {
	b := newBench(t)
	clearer, err := sim.New(sim.Options{Clock: b.now, Seed: 7, Faults: map[string]sim.Faults{
		"clearing": {ErrorBps: 3000, UnknownBps: 3000, LateBps: 5000, Late: plan.Duration(time.Minute), MalformedBps: 1000},
	}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(clearer.Handler())
	t.Cleanup(srv.Close)
	b.region.Schedules[0].Delivery.Endpoint = srv.URL + "/clearing"
	b.region.Schedules[0].Model = ModelBilateral
	for i := range 12 {
		who := fmt.Sprint("bank-", i)
		b.region.Participants = append(b.region.Participants, plan.Participant{Name: who, LegalName: who, BIC: fmt.Sprintf("BNK%cUS33", 'A'+i)})
	}
	b.switchPlan()
	for i := range 12 {
		b.owe(fmt.Sprint("bank-", i), fmt.Sprint("bank-", (i+1)%12), "10.00", "USD")
	}
	s := b.settler(b.ledger, nil)
	b.set("2026-11-23T09:00:00Z")
	const name = "shanghai-daily-us-east-20261123t0900z-1"
	for tries := 0; ; tries++ {
		b.step(s)
		if b.run(s, name).Phase == "Settled" {
			break
		}
		if tries > 300 {
			t.Fatalf("never settled: %+v", b.run(s, name))
		}
		b.later(maxBackoff)
	}
	for i := range 12 {
		if got := b.balance(fmt.Sprint("bank-", i), "USD"); got != 0 {
			t.Errorf("bank-%d is left with %d", i, got)
		}
	}
	resp, err := http.Get(srv.URL + "/admin/clearing")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var cleared []sim.ClearedMessage
	if err := json.NewDecoder(resp.Body).Decode(&cleared); err != nil {
		t.Fatal(err)
	}
	if len(cleared) != 12 {
		t.Errorf("the clearing system holds %d messages, want 12", len(cleared))
	}
	for _, m := range cleared {
		if m.Conflicts != 0 || m.Status != "ACSC" {
			t.Errorf("message %+v", m)
		}
	}
}
