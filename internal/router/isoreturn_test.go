package router

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

// written is a payment as a message that must be valid and follow CBPR+.
func (r *replica) written(id, which string) *isomsg.Message {
	r.Helper()
	b, err := r.api.Message(r.Context(), id, which)
	if err != nil {
		r.Fatalf("%s of %s: %v", which, id, err)
	}
	m := r.opened(b)
	if m.Header == nil {
		r.Fatalf("%s without header", which)
	}
	return m
}

func (r *replica) instruction(id string) *iso20022.Pacs008 {
	r.Helper()
	m := r.written(id, "pacs.008")
	out, _, err := iso20022.ReadPacs008(m.Document)
	if err != nil {
		r.Fatal(err)
	}
	r.rules(m, cbpr.CheckPacs008(out), cbpr.EnvelopeOfPacs008(out))
	return out
}

// bankReturn is the pacs.004 by which whom we instructed sends the money of a payment back.
func (r *replica) bankReturn(id string) *iso20022.Pacs004 {
	r.Helper()
	of := r.instruction(id)
	t := &of.Transfers[0]
	m, err := (&isomsg.Return{
		Between: isomsg.Between{From: t.InstructedAgent.BIC, To: ourBIC}, At: r.now(), ID: "R-1", Of: of, Amount: t.Amount, Code: "AC04", Detail: "account closed",
	}).Pacs004()
	if err != nil {
		r.Fatal(err)
	}
	return m
}

func (r *replica) pacs004(m *iso20022.Pacs004) *iso20022.Pacs002 {
	r.Helper()
	out, _ := r.pacs002(r.exchanged(r.text(m)))
	return out
}

func TestAPacs004ReturnsAPaymentOnce(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	account := r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	in := r.bankReturn(p.ID)
	doc := []byte(w.enveloped(iso20022.IDPacs004, in.MessageID, in.Returns[0].InstructingAgent.BIC, ourBIC, in))
	answers := make([][]byte, 8)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() {
			var err error
			if answers[i], err = r.api.ISO20022(t.Context(), doc); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	out, m := w.pacs002(answers[0])
	tx := &out.Transfers[0]
	if verdict(out) != "ACCC" || tx.Original.MessageName != iso20022.IDPacs004 || tx.Original.MessageID != in.MessageID || tx.OriginalInstructionID != "R-1" || m.Header == nil {
		t.Errorf("%+v", tx)
	}
	for _, a := range answers[1:] {
		if !bytes.Equal(a, answers[0]) {
			t.Errorf("two answers:\n%s\n%s", answers[0], a)
		}
	}
	q, err := r.api.Payment(t.Context(), p.ID)
	if err != nil || q.Status != client.Returned || q.Reason.Code != "AC04" || q.Reason.Detail != "account closed" {
		t.Errorf("%+v, %v", q, err)
	}
	if a, err := r.api.Account(t.Context(), account); err != nil || a.Available != "1000.00" {
		t.Errorf("%+v, %v", a, err)
	}
	in.MessageID = "another"
	if out := r.pacs004(in); verdict(out) != "RJCT AM05" {
		t.Error(verdict(out))
	}
	w.audit()
}

func TestAPacs004ThatDoesNotFitItsPaymentIsRejected(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	held := request("10.00")
	later := r.now().AddDate(0, 0, 3)
	held.ExecuteAt = &later
	waiting, err := r.api.Pay(t.Context(), "held", held)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		want string
		f    func(m *iso20022.Pacs004, t *iso20022.Return)
	}{
		"unknown":         {"RJCT NARR", func(_ *iso20022.Pacs004, t *iso20022.Return) { t.OriginalUETR, t.OriginalInstructionID = uetrNo(7), "" }},
		"unknown by both": {"RJCT NARR", func(_ *iso20022.Pacs004, t *iso20022.Return) { t.OriginalUETR = uetrNo(7) }},
		"not instructed": {"RJCT NARR", func(_ *iso20022.Pacs004, t *iso20022.Return) {
			t.OriginalUETR, t.OriginalInstructionID = waiting.UETR, ""
		}},
		"from another":    {"RJCT AGNT", func(_ *iso20022.Pacs004, t *iso20022.Return) { t.InstructingAgent.BIC = senderBIC }},
		"end-to-end":      {"RJCT NARR", func(_ *iso20022.Pacs004, t *iso20022.Return) { t.OriginalEndToEndID = "E" }},
		"instruction":     {"RJCT NARR", func(_ *iso20022.Pacs004, t *iso20022.Return) { t.OriginalInstructionID = "I" }},
		"transaction":     {"RJCT NARR", func(_ *iso20022.Pacs004, t *iso20022.Return) { t.OriginalTransactionID = "T" }},
		"original amount": {"RJCT AM09", func(_ *iso20022.Pacs004, t *iso20022.Return) { t.OriginalAmount = money.FromMinor(1, "CNY") }},
		"amount":          {"RJCT AM09", func(_ *iso20022.Pacs004, t *iso20022.Return) { t.Amount = money.FromMinor(t.Amount.Minor()-1, "CNY") }},
		"currency":        {"RJCT AM03", func(_ *iso20022.Pacs004, t *iso20022.Return) { t.Amount = money.FromMinor(10000, "USD") }},
	} {
		in := r.bankReturn(p.ID)
		c.f(in, &in.Returns[0])
		if out := r.pacs004(in); verdict(out) != c.want {
			t.Errorf("%s: %s %v", name, verdict(out), out.Transfers[0].Reasons)
		}
	}
	good := w.text(r.bankReturn(p.ID))
	const tx = "body/Document/PmtRtr/TxInf[1]/"
	for name, c := range map[string]struct{ doc, place string }{
		"no UETR":     {strings.Replace(good, "<OrgnlUETR>"+p.UETR+"</OrgnlUETR>", "", 1), tx + "OrgnlUETR"},
		"no reason":   {strings.Replace(good, "<Cd>AC04</Cd>", "<Prtry></Prtry>", 1), tx + "RtrRsnInf[1]/Rsn/Prtry"},
		"for another": {strings.Replace(good, ourBIC, "CHASUS33", 1), tx + "InstdAgt/FinInstnId/BICFI"},
		"two":         {strings.Replace(good, "<NbOfTxs>1<", "<NbOfTxs>2<", 1), "body/Document/PmtRtr/GrpHdr/NbOfTxs"},
	} {
		r.refusedAt(name, c.doc, http.StatusUnprocessableEntity, c.place)
	}
	if q, err := r.api.Payment(t.Context(), p.ID); err != nil || q.Status != client.Paid {
		t.Errorf("%+v, %v", q, err)
	}
	w.audit()
}

func TestAPacs004AfterARefundReturnsWhatIsLeft(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	account := r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	refund, err := r.api.Refund(t.Context(), "r", p.ID, client.RefundRequest{Amount: client.Money{Currency: "USD", Value: "40.00"}})
	if err != nil {
		t.Fatal(err)
	}
	in := r.bankReturn(p.ID)
	if out := r.pacs004(in); verdict(out) != "RJCT AM09" {
		t.Error(verdict(out))
	}
	back, err := money.ParseAmount(refund.Received.Value, "CNY")
	if err != nil {
		t.Fatal(err)
	}
	if in.Returns[0].Amount, err = in.Returns[0].Amount.Sub(back); err != nil {
		t.Fatal(err)
	}
	if out := r.pacs004(in); verdict(out) != "ACCC" {
		t.Error(verdict(out), out.Transfers[0].Reasons)
	}
	if a, err := r.api.Account(t.Context(), account); err != nil || a.Available != "1000.00" {
		t.Errorf("%+v, %v", a, err)
	}
	m := r.written(p.ID, "pacs.004")
	out, _, err := iso20022.ReadPacs004(m.Document)
	if err != nil || out.Returns[0].Amount != in.Returns[0].Amount {
		t.Errorf("%+v, %v; want %s", out, err, in.Returns[0].Amount)
	}
}

func TestAPacs004OfWhatWasReturnedByHandIsADuplicate(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid)
	in := r.bankReturn(p.ID)
	if _, err := r.api.Return(t.Context(), p.ID, client.ReturnRequest{Code: "AC01"}); err != nil {
		t.Fatal(err)
	}
	if out := r.pacs004(in); verdict(out) != "RJCT AM05" {
		t.Error(verdict(out))
	}
}
