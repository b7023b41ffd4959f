package router

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

func TestAPaymentIsPricedReservedPaidAndBooked(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	account := r.fund("acme", "USD", "10000.00")
	p := r.pay("k1", "1250.00")
	if p.Status != client.Instructing || p.Route == nil || p.Route.Fee.Value != "6.25" || p.Route.Principal.Value != "1243.75" {
		t.Fatalf("accepted as %+v with route %+v", p, p.Route)
	}
	p = r.becomes(p.ID, client.Paid)
	if p.Window == "" || !strings.HasPrefix(p.Window, "daily@") {
		t.Errorf("window %q", p.Window)
	}
	a, err := r.api.Account(t.Context(), account)
	if err != nil || a.Posted != "8750.00" || a.Available != "8750.00" || a.Reserved != "0.00" {
		t.Errorf("account %+v, %v", a, err)
	}
	entries, err := w.ledger.EntriesByReference(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, e := range entries {
		codes = append(codes, string(e.Kind)+" "+e.Code)
	}
	want := "reserve payment,post payment,immediate fee,immediate principal,immediate fx,immediate spread,immediate payout,immediate obligation"
	if got := strings.Join(codes, ","); got != want {
		t.Errorf("booked %s, want %s", got, want)
	}
	w.audit()
}

func TestTheSameKeyGetsTheSameAnswerForEver(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "10000.00")
	first := r.pay("k1", "100.00")
	r.becomes(first.ID, client.Paid)
	again := r.pay("k1", "100.00")
	if again.ID != first.ID || again.Status != first.Status || !again.Updated.Equal(first.Updated) {
		t.Errorf("first %+v, again %+v", first, again)
	}
	_, err := r.api.Pay(t.Context(), "k1", request("100.01"))
	if p := w.problemOf(err); p.Status != http.StatusConflict || p.Code() != codeConflict {
		t.Errorf("other body: %v", p)
	}
	short := request("9950.00")
	_, err = r.api.Pay(t.Context(), "k2", short)
	refused := w.problemOf(err)
	if refused.Status != http.StatusUnprocessableEntity || refused.Code() != codeInsufficient || refused.Instance == "" {
		t.Fatalf("more than there is: %+v", refused)
	}
	if _, err := r.api.Deposit(t.Context(), "more", client.DepositRequest{Account: short.Account, Amount: client.Money{Currency: "USD", Value: "5000.00"}}); err != nil {
		t.Fatal(err)
	}
	_, err = r.api.Pay(t.Context(), "k2", short)
	if p := w.problemOf(err); p.Instance != refused.Instance || p.Code() != codeInsufficient {
		t.Errorf("refused once as %v, now %v", refused, p)
	}
	rejected, err := r.api.Payment(t.Context(), strings.TrimPrefix(refused.Instance, "/v1/payments/"))
	if err != nil || rejected.Status != client.Rejected || rejected.Reason.Code != codeInsufficient {
		t.Errorf("recorded as %+v, %v", rejected, err)
	}
	// Also where the corridor is gone or draining meanwhile.
	gone := *w.region
	gone.Corridors = nil
	if err := plan.Seal(&gone); err != nil {
		t.Fatal(err)
	}
	if err := r.Switch(t.Context(), &gone, w.creds); err != nil {
		t.Fatal(err)
	}
	if again := r.pay("k1", "100.00"); again.ID != first.ID {
		t.Errorf("without its corridor: %+v", again)
	}
	w.audit()
}

func TestOneOfManySimultaneousRequestsWithOneKeyPays(t *testing.T) {
	w := newWorld(t)
	a, b := w.start("a", nil), w.start("b", nil)
	a.fund("acme", "USD", "1000.00")
	const callers = 24
	ids := make([]string, callers)
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() {
			r := a
			if i%2 == 1 {
				r = b
			}
			p, err := r.api.Pay(t.Context(), "same", request("10.00"))
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
				return
			}
			ids[i] = p.ID
		})
	}
	wait.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("payments %v", ids)
		}
	}
	a.becomes(ids[0], client.Paid)
	if counts, err := w.ledger.CountRecords(t.Context(), kindPayment, ""); err != nil || len(counts) != 1 || counts["paid"] != 1 {
		t.Errorf("payments on record: %v, %v", counts, err)
	}
	w.audit()
}

func TestAPaymentForLaterWaitsAndCanBeCancelled(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	account := r.fund("acme", "USD", "1000.00")
	req := request("100.00")
	at := time.Now().Add(48 * time.Hour)
	req.ExecuteAt = &at
	p, err := r.api.Pay(t.Context(), "later", req)
	if err != nil || p.Status != client.Accepted || p.Route != nil {
		t.Fatalf("%+v, %v", p, err)
	}
	if a, err := r.api.Account(t.Context(), account); err != nil || a.Reserved != "100.00" || a.Available != "900.00" {
		t.Errorf("while it waits: %+v, %v", a, err)
	}
	for range 2 { // the second time finds it done
		c, err := r.api.Cancel(t.Context(), p.ID)
		if err != nil || c.Status != client.Cancelled || c.Reason == nil {
			t.Fatalf("cancelled: %+v, %v", c, err)
		}
	}
	if a, err := r.api.Account(t.Context(), account); err != nil || a.Reserved != "0.00" || a.Available != "1000.00" {
		t.Errorf("after: %+v, %v", a, err)
	}
	soon := time.Now().Add(50 * time.Millisecond)
	req.ExecuteAt = &soon
	p, err = r.api.Pay(t.Context(), "soon", req)
	if err != nil {
		t.Fatal(err)
	}
	r.becomes(p.ID, client.Paid)
	_, err = r.api.Cancel(t.Context(), p.ID)
	if prob := w.problemOf(err); prob.Status != http.StatusConflict || prob.Code() != codeState {
		t.Errorf("cancel what is paid: %v", prob)
	}
	w.audit()
}

func TestAReturnReversesEveryLine(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	account := r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	back := client.ReturnRequest{Code: "AC04", Detail: "closed account"}
	for range 2 {
		got, err := r.api.Return(t.Context(), p.ID, back)
		if err != nil || got.Status != client.Returned || got.Reason.Code != "AC04" {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if a, err := r.api.Account(t.Context(), account); err != nil || a.Posted != "1000.00" {
		t.Errorf("after: %+v, %v", a, err)
	}
	for _, id := range []string{"fees:us-cn:USD", "payout:cips:CNY", "settlement:qiantang-pay:USD", "fx:" + p.Route.Provider + ":USD", "spread:" + p.Route.Provider + ":CNY"} {
		if b, err := w.ledger.Balance(t.Context(), id); err != nil || b.Posted != 0 {
			t.Errorf("%s stands at %d, %v", id, b.Posted, err)
		}
	}
	waiting := request("50.00")
	at := time.Now().Add(time.Hour)
	waiting.ExecuteAt = &at
	q, err := r.api.Pay(t.Context(), "waiting", waiting)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.api.Return(t.Context(), q.ID, back)
	if prob := w.problemOf(err); prob.Status != http.StatusConflict || prob.Code() != codeState {
		t.Errorf("return what was not paid: %v", prob)
	}
}

func TestAProviderThatIsDownIsPassedOver(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	for _, name := range []string{"antom", "pingpong"} {
		if err := w.sim.SetFaults(name, sim.Faults{Outage: true}); err != nil {
			t.Fatal(err)
		}
	}
	p := r.becomes(r.pay("k", "10.00").ID, client.Paid)
	if p.Route.Provider != "lianlian" {
		t.Errorf("went over %s", p.Route.Provider)
	}
	w.audit()
}

func TestWithoutAnyProviderTheRequestMayBeSentAgain(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	for _, name := range []string{"antom", "pingpong", "lianlian"} {
		if err := w.sim.SetFaults(name, sim.Faults{Outage: true}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := r.api.Pay(t.Context(), "k", request("10.00"))
	if p := w.problemOf(err); p.Status != http.StatusServiceUnavailable || p.RetryAfter <= 0 || p.Code() != codeNoRoute {
		t.Fatalf("%+v", p)
	}
	if err := w.sim.SetFaults("antom", sim.Faults{}); err != nil {
		t.Fatal(err)
	}
	var p *client.Payment
	w.until("the same request is taken", func() bool {
		p, err = r.api.Pay(context.Background(), "k", request("10.00"))
		return err == nil
	})
	r.becomes(p.ID, client.Paid)
	w.audit()
}

func TestARefusedPayoutGoesOverTheNextProviderAndInTheEndIsRejected(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	account := r.fund("acme", "USD", "1000.00")
	best := r.becomes(r.pay("k0", "10.00").ID, client.Paid).Route.Provider
	if err := w.sim.SetFaults(best, sim.Faults{RefuseBps: 10000}); err != nil {
		t.Fatal(err)
	}
	p := r.becomes(r.pay("k1", "10.00").ID, client.Paid)
	if p.Route.Provider == best || p.Attempt != 2 {
		t.Errorf("went over %s at attempt %d", p.Route.Provider, p.Attempt)
	}
	for _, name := range []string{"antom", "pingpong", "lianlian"} {
		if err := w.sim.SetFaults(name, sim.Faults{RefuseBps: 10000}); err != nil {
			t.Fatal(err)
		}
	}
	p = r.becomes(r.pay("k2", "10.00").ID, client.Rejected)
	if p.Reason == nil || p.Reason.Code != codeFailed || p.Attempt != 3 {
		t.Errorf("rejected for %+v at attempt %d", p.Reason, p.Attempt)
	}
	if a, err := r.api.Account(t.Context(), account); err != nil || a.Available != "980.00" || a.Reserved != "0.00" {
		t.Errorf("after: %+v, %v", a, err)
	}
	w.audit()
}

func TestADrainingCorridorRefusesNewPaymentsAndFinishesTheOthers(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"antom", "pingpong", "lianlian"} {
		if err := w.sim.SetFaults(name, sim.Faults{LateBps: 10000, Late: plan.Text(300 * time.Millisecond)}); err != nil {
			t.Fatal(err)
		}
	}
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.pay("k", "10.00")
	draining := *w.region
	draining.Corridors = append([]plan.Corridor(nil), w.region.Corridors...)
	draining.Corridors[0].Draining = true
	if err := plan.Seal(&draining); err != nil {
		t.Fatal(err)
	}
	if err := r.Switch(t.Context(), &draining, w.creds); err != nil {
		t.Fatal(err)
	}
	_, err := r.api.Pay(t.Context(), "k2", request("10.00"))
	if prob := w.problemOf(err); prob.Status != http.StatusConflict || prob.Code() != codeDraining || prob.Errors[0].Value != "us-cn" {
		t.Errorf("%+v", prob)
	}
	if n, err := r.InFlight(t.Context()); err != nil || n["us-cn"] != 1 {
		t.Errorf("in flight: %v, %v", n, err)
	}
	r.becomes(p.ID, client.Paid)
	if n, err := r.InFlight(t.Context()); err != nil || n["us-cn"] != 0 || len(n) != 1 {
		t.Errorf("in flight after: %v, %v", n, err)
	}
	w.audit()
}

func TestAPlanThatCannotBeServedChangesNothing(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	for name, spoil := range map[string]func(*plan.Region){
		"adapter":  func(p *plan.Region) { p.Providers[0].Adapter = "Nobody" },
		"rail":     func(p *plan.Region) { p.Corridors[0].Rails = []string{"nowhere"} },
		"strategy": func(p *plan.Region) { p.Corridors[0].Strategy = "Luck" },
		"schedule": func(p *plan.Region) { p.Schedules[0].Zone = "Mars/Olympus" },
	} {
		bad := region(t, "http://127.0.0.1:1")
		spoil(bad)
		if err := r.Switch(t.Context(), bad, w.creds); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	list, err := r.api.Corridors(t.Context())
	if err != nil || list.Revision != w.region.Revision || len(list.Corridors) != 2 {
		t.Errorf("served: %+v, %v", list, err)
	}
	r.becomes(r.pay("k", "10.00").ID, client.Paid)
}

func TestWithoutALedgerRequestsMayBeSentAgain(t *testing.T) {
	w := newWorld(t)
	broken := &faulty{Ledger: w.ledger}
	r := w.start("a", broken)
	r.fund("acme", "USD", "1000.00")
	broken.fail(func(ledger.Commit) error { return &ledger.UnavailableError{Err: http.ErrServerClosed} })
	_, err := r.api.Pay(t.Context(), "k", request("10.00"))
	p := w.problemOf(err)
	if p.Status != http.StatusServiceUnavailable || p.Code() != codeUnavailable || p.RetryAfter <= 0 || strings.Contains(p.Error(), http.ErrServerClosed.Error()) {
		t.Errorf("%+v", p)
	}
	broken.fail(nil)
	r.becomes(r.pay("k", "10.00").ID, client.Paid)
	w.audit()
}

func TestTooManyAtOnceAreToldToComeAgain(t *testing.T) {
	w := newWorld(t)
	w.limit, w.pace.Admit = 1, time.Millisecond
	for _, name := range []string{"antom", "pingpong", "lianlian"} {
		if err := w.sim.SetFaults(name, sim.Faults{LateBps: 10000, Late: plan.Text(200 * time.Millisecond)}); err != nil {
			t.Fatal(err)
		}
	}
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.pay("k1", "10.00")
	_, err := r.api.Pay(t.Context(), "k2", request("10.00"))
	if prob := w.problemOf(err); prob.Status != http.StatusServiceUnavailable || prob.Code() != codeBusy || prob.RetryAfter <= 0 {
		t.Errorf("%+v", prob)
	}
	r.becomes(p.ID, client.Paid)
	w.until("there is room again", func() bool {
		_, err := r.api.Pay(context.Background(), "k2", request("10.00"))
		return err == nil
	})
}
