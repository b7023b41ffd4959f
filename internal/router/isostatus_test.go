package router

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

// bankStatus is what whom we instructed says of it.
func (r *replica) bankStatus(id, code string) *iso20022.Pacs002 {
	r.Helper()
	of := r.instruction(id)
	report := isomsg.ReportOn(of)
	report.Between, report.At, report.Status = isomsg.Between{From: of.Transfers[0].InstructedAgent.BIC, To: ourBIC}, r.now(), isomsg.Status{Code: code}
	m, err := report.Pacs002()
	if err != nil {
		r.Fatal(err)
	}
	return m
}

func TestAPacs002IsNotBelievedButCausesAQuery(t *testing.T) {
	for name, memory := range map[string]time.Duration{"of a payment in memory": 2 * time.Hour, "of a payment back in the ledger": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			w := banks(t, sim.Options{})
			s := &verdicts{outcome: fx.Pending}
			w.between = func(p fx.Provider) fx.Provider { return undecided{p, s} }
			// Nobody asks the provider before an hour is over.
			w.pace.First, w.pace.Most, w.pace.Memory, w.pace.Lease = time.Hour, time.Hour, memory, 3*time.Hour
			r := w.start("a", nil)
			r.fund("acme", "USD", "1000.00")
			p := r.pay("k", "100.00")
			if memory < time.Second {
				w.until("it is back in the ledger", r.calm)
			}
			said := w.text(r.bankStatus(p.ID, "ACSC"))
			if answer := r.exchanged(said); answer != nil {
				t.Errorf("answered %s", answer)
			}
			w.until("it has been asked", func() bool { return s.asked() > 0 })
			q, err := r.api.Payment(t.Context(), p.ID)
			if err != nil || q.Status == client.Paid {
				t.Errorf("a message was believed: %+v, %v", q, err)
			}
			s.say(fx.Failed)
			w.until("it has another end", func() bool {
				r.exchanged(said)
				q, err := r.api.Payment(t.Context(), p.ID)
				return err == nil && (q.Status == client.Rejected || q.Status == client.Paid)
			})
			w.audit()
		})
	}
}

func TestAPacs002OfNothingOfOursIsNotFound(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	good := w.text(r.bankStatus(p.ID, "ACSC"))
	if answer := r.exchanged(good); answer != nil {
		t.Errorf("%s", answer)
	}
	const root = "body/Document/FIToFIPmtStsRpt/TxInfAndSts[1]/"
	from := r.bankStatus(p.ID, "ACSC")
	from.Transfers[0].InstructingAgent.BIC = senderBIC
	for name, c := range map[string]struct {
		status     int
		doc, place string
	}{
		"unknown":      {http.StatusNotFound, strings.Replace(good, p.UETR, uetrNo(1), 1), root + "OrgnlUETR"},
		"from another": {http.StatusNotFound, w.text(from), root + "OrgnlUETR"},
		"for another":  {http.StatusUnprocessableEntity, strings.Replace(good, ourBIC, "CHASUS33", 1), root + "InstdAgt/FinInstnId/BICFI"},
		"no status":    {http.StatusUnprocessableEntity, strings.Replace(good, "<TxSts>ACSC</TxSts>", "", 1), root + "TxSts"},
		"no reason":    {http.StatusUnprocessableEntity, strings.Replace(good, "ACSC", "RJCT", 1), root + "StsRsnInf"},
		"unreadable":   {http.StatusUnprocessableEntity, strings.Replace(good, "<TxSts>", "<TxSts><b/>", 1), root + "TxSts"},
	} {
		r.refusedAt(name, c.doc, c.status, c.place)
	}
	r.stop()
	if _, pr := r.post("/v1/iso20022", "", typeXML, good); pr.Status != http.StatusServiceUnavailable {
		t.Errorf("%+v", pr)
	}
}

func TestAPacs004OfWhatIsUnderWayIsToBeSentAgain(t *testing.T) {
	w := banks(t, sim.Options{})
	s := &verdicts{outcome: fx.Pending}
	w.between = func(p fx.Provider) fx.Provider { return undecided{p, s} }
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.pay("k", "100.00")
	if _, pr := r.post("/v1/iso20022", "", typeXML, w.text(r.bankReturn(p.ID))); pr.Status != http.StatusServiceUnavailable || !strings.Contains(pr.Detail, "under way") {
		t.Errorf("%+v", pr)
	}
	s.say(fx.Failed)
	r.becomes(p.ID, client.Rejected, client.Paid)
}
