package router

import (
	"context"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/pkg/client"
)

func TestAPaymentOverAClosedRailWaitsUntilItOpens(t *testing.T) {
	w := newWorld(t)
	open := w.region.Rails[0]
	w.region.Rails[0].Zone = "UTC"
	w.region.Rails[0].Hours = []plan.Opening{{Days: []string{time.Now().UTC().Add(72 * time.Hour).Format("Mon")}, Open: "09:00", Close: "10:00"}}
	if err := plan.Seal(w.region); err != nil {
		t.Fatal(err)
	}
	r := w.start("a", nil)
	account := r.fund("acme", "USD", "100.00")
	p := r.pay("k", "10.00")
	if p.Status != client.Accepted || p.Route != nil || p.Reason == nil || !strings.Contains(p.Reason.Detail, "closed, opens") {
		t.Fatalf("%+v %+v", p, p.Reason)
	}
	q := r.pay("k2", "10.00")
	if c, err := r.api.Cancel(t.Context(), q.ID); err != nil || c.Status != client.Cancelled {
		t.Errorf("%+v, %v", c, err)
	}
	again := *w.region
	again.Rails = append([]plan.Rail{open}, w.region.Rails[1:]...)
	if err := plan.Seal(&again); err != nil {
		t.Fatal(err)
	}
	if err := r.Switch(t.Context(), &again, w.creds); err != nil {
		t.Fatal(err)
	}
	if p = r.becomes(p.ID, client.Paid); p.Reason != nil || p.Attempt != 1 {
		t.Errorf("%+v", p)
	}
	if a, err := r.api.Account(t.Context(), account); err != nil || a.Available != "90.00" {
		t.Errorf("%+v, %v", a, err)
	}
	w.audit()
}

func TestAClientThatHangsUpDoesNotHoldItsPaymentUp(t *testing.T) {
	w := newWorld(t)
	w.pace.Lease = time.Hour // were it left for a lease to run out, it would not be paid
	f := &faulty{Ledger: w.ledger}
	r := w.start("a", f)
	r.fund("acme", "USD", "100.00")
	ctx, hangUp := context.WithCancel(t.Context())
	f.fail(func(ledger.Commit) error {
		hangUp()
		return nil
	})
	req := request("10.00")
	a, prob := r.accept(ctx, "k", &req)
	if prob != nil || ctx.Err() == nil {
		t.Fatalf("%+v, %v", prob, ctx.Err())
	}
	r.becomes(a.Payment, client.Paid)
	w.audit()
}

func TestARouterThatDoesNotRunAcceptsAndAnotherPays(t *testing.T) {
	w := newWorld(t)
	w.pace.Lease = 200 * time.Millisecond
	idle := w.idle("a", nil)
	idle.fund("acme", "USD", "100.00")
	p := idle.pay("k", "10.00")
	if len(idle.slots) != 0 {
		t.Errorf("%d places are held for what nobody drives", len(idle.slots))
	}
	w.start("b", nil).becomes(p.ID, client.Paid)
	w.audit()
}

func TestWithoutAPlanNothingIsServed(t *testing.T) {
	w := newWorld(t)
	r := New(Options{Ledger: w.ledger, ID: "a"})
	if r.Ready() == nil {
		t.Error("ready")
	}
	req := request("10.00")
	if _, prob := r.accept(t.Context(), "k", &req); prob == nil || prob.Status != 503 || prob.Code() != codeNotReady {
		t.Errorf("%+v", prob)
	}
	if n, err := r.InFlight(t.Context()); err != nil || len(n) != 0 {
		t.Errorf("%v, %v", n, err)
	}
}
