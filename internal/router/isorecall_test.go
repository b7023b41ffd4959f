package router

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

// bankRecall asks, as the other institution, for its payment to be cancelled.
func bankRecall(n int, minor int64) *iso20022.Camt056 {
	us, them := iso20022.PartyOrAgent{Agent: &iso20022.Agent{BIC: ourBIC}}, iso20022.PartyOrAgent{Agent: &iso20022.Agent{BIC: senderBIC}}
	return &iso20022.Camt056{
		Assignment: iso20022.Assignment{ID: "C-1", Assigner: them, Assignee: us, Created: "2026-11-23T10:00:00-05:00"},
		Underlying: []iso20022.Cancellations{{Transfers: []iso20022.Cancellation{{
			ID: "X-1", Case: &iso20022.Case{ID: "CASE-1", Creator: them},
			Original:              &iso20022.OriginalGroup{MessageID: "HRB-1", MessageName: iso20022.IDPacs008, Created: "2026-11-23T09:00:00-05:00"},
			OriginalInstructionID: "I-1", OriginalEndToEndID: "E-1", OriginalUETR: uetrNo(n),
			OriginalAmount: money.FromMinor(minor, "USD"), OriginalSettlementDate: "2026-01-05",
			Reasons: []iso20022.Reason{{Reason: &iso20022.Code{Code: "DUPL"}}},
		}}}},
	}
}

// recalledAs is the answer to a camt.056: its confirmation and the reason's code.
func (r *replica) recalledAs(doc string) (string, []byte) {
	r.Helper()
	answer := r.exchanged(doc)
	m := r.opened(answer)
	out, _, err := iso20022.ReadCamt029(m.Document)
	if err != nil {
		r.Fatalf("%v in\n%s", err, answer)
	}
	r.rules(m, cbpr.CheckCamt029(out), cbpr.EnvelopeOfCamt029(out))
	t := &out.Details[0].Transfers[0]
	if t.OriginalUETR == "" || t.ResolvedCase == nil || t.ResolvedCase.ID != "CASE-1" || out.Assignment.Assigner.Agent.BIC != ourBIC {
		r.Errorf("%+v", out)
	}
	verdict := out.Confirmation
	if len(t.Reasons) > 0 {
		verdict += " " + t.Reasons[0].Reason.Value()
	}
	return verdict, answer
}

// undecided is a provider that has taken the first instruction and says what the test wants of it; others are paid as ever.
type undecided struct {
	fx.Provider
	*verdicts
}

type verdicts struct {
	mu      sync.Mutex
	first   string
	outcome fx.Outcome
	paid    int
	queried int
}

func (s *verdicts) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queried
}

func (s *verdicts) say(o fx.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcome = o
}

func (s *verdicts) payments() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paid
}

func (s *verdicts) mine(id string) (fx.Outcome, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == "" {
		s.first = id
	}
	return s.outcome, s.first == id
}

func (u undecided) Pay(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	u.mu.Lock()
	u.paid++
	u.mu.Unlock()
	if o, mine := u.mine(i.ID); mine {
		return fx.Status{Outcome: o}, nil
	}
	return u.Provider.Pay(ctx, i)
}

func (u undecided) Query(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	u.mu.Lock()
	u.queried++
	u.mu.Unlock()
	if o, mine := u.mine(i.ID); mine {
		return fx.Status{Outcome: o}, nil
	}
	return u.Provider.Query(ctx, i)
}

func TestARecallOfWhatWaitsCancelsIt(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	account := r.fund("bank-newyork", "USD", "1000.00")
	in := bankTransfer(1, 10000)
	in.Transfers[0].SettlementDate = r.now().AddDate(0, 0, 5).Format("2006-01-02")
	id := paymentID(r.pacs008(in).Transfers[0].ServicerRef)
	doc := w.enveloped(iso20022.IDCamt056, "C-1", senderBIC, ourBIC, bankRecall(1, 10000))
	first, answer := r.recalledAs(doc)
	if again, same := r.recalledAs(doc); first != "CNCL" || again != first || !bytes.Equal(answer, same) {
		t.Errorf("%s, then %s:\n%s\n%s", first, again, answer, same)
	}
	p := r.becomes(id, client.Cancelled)
	if !strings.Contains(p.Reason.Detail, "recalled by "+senderBIC+": DUPL") {
		t.Errorf("%+v", p.Reason)
	}
	if a, err := r.api.Account(t.Context(), account); err != nil || a.Available != "1000.00" {
		t.Errorf("%+v, %v", a, err)
	}
	if out := r.written(id, "pacs.002"); !strings.Contains(out.Document, "<TxSts>CANC</TxSts>") {
		t.Error(out.Document)
	}
	w.audit()
}

func TestARecallOfWhatIsUnderWayIsPendingAndNoOtherRouteIsTried(t *testing.T) {
	w := banks(t, sim.Options{})
	s := &verdicts{outcome: fx.Pending}
	w.between = func(p fx.Provider) fx.Provider { return undecided{p, s} }
	r := w.start("a", nil)
	account := r.fund("bank-newyork", "USD", "1000.00")
	id := paymentID(r.pacs008(bankTransfer(1, 10000)).Transfers[0].ServicerRef)
	doc := w.text(bankRecall(1, 10000))
	if got, _ := r.recalledAs(doc); got != "PDCR PTNA" {
		t.Error(got)
	}
	s.say(fx.Failed)
	p := r.becomes(id, client.Rejected)
	if n := s.payments(); n != 1 || p.Attempt != 1 {
		t.Errorf("%d instructions, attempt %d: a recalled payment was sent another way", n, p.Attempt)
	}
	if got, _ := r.recalledAs(doc); got != "CNCL" {
		t.Error(got)
	}
	if a, err := r.api.Account(t.Context(), account); err != nil || a.Available != "1000.00" {
		t.Errorf("%+v, %v", a, err)
	}
	w.audit()
}

func TestARecallOfWhatWasNeverSentEndsIt(t *testing.T) {
	w := banks(t, sim.Options{})
	for _, name := range []string{"pingpong", "lianlian", "antom"} {
		if err := w.sim.SetFaults(name, sim.Faults{RefuseBps: 10_000}); err != nil {
			t.Fatal(err)
		}
	}
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "1000.00")
	id := paymentID(r.pacs008(bankTransfer(1, 10000)).Transfers[0].ServicerRef)
	r.becomes(id, client.Rejected)
	if got, _ := r.recalledAs(w.text(bankRecall(1, 10000))); got != "RJCR NARR" {
		t.Error(got)
	}
	w.audit()
}

func TestARecallOfWhatWasPaidIsRefused(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "1000.00")
	id := paymentID(r.pacs008(bankTransfer(1, 10000)).Transfers[0].ServicerRef)
	r.becomes(id, client.Paid)
	doc := w.text(bankRecall(1, 10000))
	first, answer := r.recalledAs(doc)
	if again, same := r.recalledAs(doc); first != "RJCR PTNA" || again != first || !bytes.Equal(answer, same) {
		t.Errorf("%s, then %s", first, again)
	}
	other := bankRecall(1, 10000)
	other.Assignment.ID = "C-2"
	if got, _ := r.recalledAs(w.text(other)); got != "RJCR PTNA" {
		t.Error(got)
	}
	if out := r.pacs004(r.bankReturn(id)); verdict(out) != "ACCC" {
		t.Error(verdict(out))
	}
	if got, _ := r.recalledAs(doc); got != "RJCR ARDT" {
		t.Error(got)
	}
	w.audit()
}

func TestARecallIsTheSendersToMake(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "1000.00")
	r.fund("acme", "USD", "1000.00")
	in := bankTransfer(1, 10000)
	in.Transfers[0].SettlementDate = r.now().AddDate(0, 0, 5).Format("2006-01-02")
	r.pacs008(in)
	held := request("10.00")
	later := r.now().AddDate(0, 0, 3)
	held.ExecuteAt = &later
	own, err := r.api.Pay(t.Context(), "held", held)
	if err != nil {
		t.Fatal(err)
	}
	from := func(bic string, f func(m *iso20022.Camt056, t *iso20022.Cancellation)) string {
		m := bankRecall(1, 10000)
		m.Assignment.Assigner.Agent = &iso20022.Agent{BIC: bic}
		if f != nil {
			f(m, &m.Underlying[0].Transfers[0])
		}
		return w.text(m)
	}
	for name, c := range map[string]struct{ want, doc string }{
		"another participant": {"RJCR NOOR", from("MNBKDEFF", nil)},
		"nobody":              {"RJCR NOOR", from("NOBODE33", nil)},
		"ourselves":           {"RJCR NOOR", from(ourBIC, nil)},
		"unknown":             {"RJCR NOOR", from(senderBIC, func(_ *iso20022.Camt056, t *iso20022.Cancellation) { t.OriginalUETR = uetrNo(9) })},
		"a customer's":        {"RJCR NOOR", from(senderBIC, func(_ *iso20022.Camt056, t *iso20022.Cancellation) { t.OriginalUETR = own.UETR })},
		"another amount":      {"RJCR NARR", from(senderBIC, func(_ *iso20022.Camt056, t *iso20022.Cancellation) { t.OriginalAmount = money.FromMinor(1, "USD") })},
		// For a customer, who holds its money asks: here we ourselves.
		"for a customer": {"CNCL", from(ourBIC, func(_ *iso20022.Camt056, t *iso20022.Cancellation) {
			t.OriginalUETR, t.OriginalAmount = own.UETR, money.FromMinor(1000, "USD")
		})},
	} {
		if got, _ := r.recalledAs(c.doc); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	good := w.text(bankRecall(1, 10000))
	const root = "body/Document/FIToFIPmtCxlReq/"
	for name, c := range map[string]struct{ doc, place string }{
		"for another": {strings.Replace(good, ourBIC, "CHASUS33", 1), root + "Assgnmt/Assgne/Agt/FinInstnId/BICFI"},
		"no UETR":     {strings.Replace(good, "<OrgnlUETR>"+uetrNo(1)+"</OrgnlUETR>", "", 1), root + "Undrlyg[1]/TxInf[1]/OrgnlUETR"},
		"no offset":   {strings.Replace(good, "T10:00:00-05:00", "T10:00:00", 1), root + "Assgnmt/CreDtTm"},
		"unknown":     {strings.Replace(good, "<CxlId>", "<Xyz/><CxlId>", 1), root + "Undrlyg[1]/TxInf[1]/Xyz"},
	} {
		r.refusedAt(name, c.doc, http.StatusUnprocessableEntity, c.place)
	}
}
