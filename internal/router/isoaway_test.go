package router

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

// deaf is a ledger that cannot be read when told so.
type deaf struct {
	ledger.Ledger
	now atomic.Bool
}

func (d *deaf) Record(ctx context.Context, kind, key string) (ledger.Record, error) {
	if d.now.Load() {
		return ledger.Record{}, &ledger.UnavailableError{Err: errDead}
	}
	return d.Ledger.Record(ctx, kind, key)
}

func TestWhileTheLedgerIsAwayNothingIsDecidedAndTheSameMessageMayBeSentAgain(t *testing.T) {
	w := banks(t, sim.Options{})
	f := &faulty{Ledger: w.ledger}
	d := &deaf{Ledger: f}
	r := w.start("a", d)
	r.fund("acme", "USD", "1000.00")
	r.fund("bank-newyork", "USD", "1000.00")
	paid := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	back, said := w.text(r.bankReturn(paid.ID)), w.text(r.bankStatus(paid.ID, "ACSC"))
	ahead := bankTransfer(2, 10000)
	ahead.Transfers[0].SettlementDate = r.now().AddDate(0, 0, 5).Format("2006-01-02")
	r.pacs008(ahead)
	w.until("nothing is under way", r.calm)
	transfer, recall := w.text(bankTransfer(1, 10000)), w.text(bankRecall(2, 10000))

	away := func(ledger.Commit) error { return &ledger.UnavailableError{Err: errDead} }
	for name, end := range map[string]struct{ away, back func() }{
		"for writing": {func() { f.fail(away) }, func() { f.fail(nil) }},
		"for reading": {func() { d.now.Store(true) }, func() { d.now.Store(false) }},
	} {
		end.away()
		for what, doc := range map[string]string{"pacs.008": transfer, "pacs.004": back, "camt.056": recall, "pacs.002": said} {
			if what == "pacs.002" && name == "for writing" {
				continue // it writes nothing
			}
			if _, p := r.post("/v1/iso20022", "", typeXML, doc); p.Status != http.StatusServiceUnavailable {
				t.Errorf("%s, ledger away %s: %+v", what, name, p)
			}
		}
		if name == "for reading" {
			if _, p := r.get("/v1/payments/" + paid.ID + "/iso20022?message=pacs.008"); p.Status != http.StatusServiceUnavailable {
				t.Errorf("%+v", p)
			}
		}
		end.back()
	}
	out := r.pacs008(bankTransfer(1, 10000))
	if verdict(out) != "ACSP" {
		t.Error(verdict(out))
	}
	if out := r.pacs004(r.bankReturn(paid.ID)); verdict(out) != "ACCC" {
		t.Error(verdict(out), out.Transfers[0].Reasons)
	}
	if got, _ := r.recalledAs(recall); got != "CNCL" {
		t.Error(got)
	}
	r.becomes(paymentID(out.Transfers[0].ServicerRef), client.Paid)
	page, err := r.api.Payments(t.Context(), client.ListOptions{})
	if err != nil || len(page.Payments) != 3 {
		t.Errorf("%+v, %v", page, err)
	}
	w.audit()
}
