package router

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/iso20022/isotest"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

const (
	ourBIC    = "QTPYCNBHXXX"
	senderBIC = "HRBKUS33"
)

// banks is a world whose participants have BICs, with another institution that sends us payments.
func banks(t testing.TB, o sim.Options) *world {
	t.Helper()
	w := newWorldWith(t, o)
	bics := map[string]string{"qiantang-pay": ourBIC, "pingpong": "PPGSCNBH", "lianlian": "LLGLCNBH", "antom": "ANTMSGSG"}
	for i := range w.region.Participants {
		p := &w.region.Participants[i]
		p.BIC = bics[p.Name]
	}
	w.region.Participants = append(w.region.Participants,
		plan.Participant{Name: "bank-newyork", LegalName: "Hudson River Bank", BIC: senderBIC, Country: "US"},
		plan.Participant{Name: "bank-frankfurt", LegalName: "Mainbank", BIC: "MNBKDEFF", Country: "DE"})
	w.seal()
	return w
}

func uetrNo(n int) string { return fmt.Sprintf("8a562c67-ca16-48ba-b074-%012d", n) }

// bankTransfer is a pacs.008 from the other institution, as CBPR+ wants it.
func bankTransfer(n int, minor int64) *iso20022.Pacs008 {
	address := func(town, country string) *iso20022.Address { return &iso20022.Address{Town: town, Country: country} }
	return &iso20022.Pacs008{
		Header: iso20022.GroupHeader{MessageID: fmt.Sprintf("HRB-%d", n), Created: "2026-11-23T09:00:00-05:00", Count: "1", Settlement: iso20022.Settlement{Method: "INDA"}},
		Transfers: []iso20022.CustomerTransfer{{
			ID:     iso20022.PaymentID{InstructionID: fmt.Sprintf("I-%d", n), EndToEndID: fmt.Sprintf("E-%d", n), UETR: uetrNo(n)},
			Amount: money.FromMinor(minor, "USD"), SettlementDate: "2026-01-05", InstructedAmount: money.FromMinor(minor, "USD"), ChargeBearer: "SHAR",
			InstructingAgent: &iso20022.Agent{BIC: senderBIC}, InstructedAgent: &iso20022.Agent{BIC: ourBIC},
			Debtor:        iso20022.Party{Name: "Albany Tools Inc", Address: address("Albany", "US")},
			DebtorAccount: &iso20022.Account{Other: "000987654"}, DebtorAgent: iso20022.Agent{BIC: "ALBKUS33"},
			CreditorAgent: iso20022.Agent{BIC: "ICBKCNBJ"}, Creditor: iso20022.Party{Name: "Hangzhou Silk", Address: address("Hangzhou", "CN")},
			CreditorAccount: &iso20022.Account{Other: "6222021234567890"}, Purpose: &iso20022.Code{Code: "GDDS"},
			Remittance: &iso20022.Remittance{Unstructured: []string{"Invoice 88"}},
		}},
	}
}

// text is a message as a bare Document.
func (w *world) text(m isomsg.Writer) string {
	w.Helper()
	b, err := isomsg.Seal(nil, m)
	if err != nil {
		w.Fatal(err)
	}
	return string(b)
}

// enveloped is a message with its header.
func (w *world) enveloped(definition, id, from, to string, m isomsg.Writer) string {
	w.Helper()
	b, err := isomsg.Seal(isomsg.Head(definition, id, "2026-11-23T09:00:00-05:00", from, to, nil), m)
	if err != nil {
		w.Fatal(err)
	}
	return string(b)
}

// exchanged is the answer to a message.
func (r *replica) exchanged(doc string) []byte {
	r.Helper()
	answer, err := r.api.ISO20022(r.Context(), []byte(doc))
	if err != nil {
		var p *client.Problem
		if errors.As(err, &p) {
			r.Fatalf("%+v", p)
		}
		r.Fatal(err)
	}
	return answer
}

// opened takes an answer apart and has both validators look at both parts.
func (w *world) opened(answer []byte) *isomsg.Message {
	w.Helper()
	m, err := isomsg.Open(string(answer))
	if err != nil {
		w.Fatalf("%v in\n%s", err, answer)
	}
	if isotest.Dir() == "" {
		return m
	}
	isotest.Valid(w, m.Definition, []byte(m.Document))
	if m.Header != nil {
		h, err := m.Header.Append(nil, true)
		if err != nil {
			w.Fatal(err)
		}
		isotest.Valid(w, iso20022.IDHeader, h)
	}
	return m
}

// rules fails the test where a message of ours breaks CBPR+.
func (w *world) rules(m *isomsg.Message, found []cbpr.Violation, e cbpr.Envelope) {
	w.Helper()
	if m.Header != nil {
		found = append(found, cbpr.CheckHeader(m.Header, e)...)
	}
	if len(found) > 0 {
		w.Errorf("our %s breaks CBPR+: %v\n%s", m.Definition, found, m.Document)
	}
}

// pacs002 is an answer that must be a valid one.
func (w *world) pacs002(answer []byte) (*iso20022.Pacs002, *isomsg.Message) {
	w.Helper()
	m := w.opened(answer)
	out, _, err := iso20022.ReadPacs002(m.Document)
	if err != nil {
		w.Fatalf("%v in\n%s", err, answer)
	}
	w.rules(m, cbpr.CheckPacs002(out), cbpr.EnvelopeOfPacs002(out))
	return out, m
}

// verdict is a report's status, with its reason's code.
func verdict(m *iso20022.Pacs002) string {
	t := &m.Transfers[0]
	if len(t.Reasons) == 0 {
		return t.Status
	}
	return t.Status + " " + t.Reasons[0].Reason.Value()
}

func (r *replica) pacs008(m *iso20022.Pacs008) *iso20022.Pacs002 {
	r.Helper()
	out, _ := r.pacs002(r.exchanged(r.text(m)))
	return out
}

// paymentID is a payment's ID, of the reference in a report.
func paymentID(reference string) string {
	if len(reference) != 32 {
		return ""
	}
	return strings.Join([]string{reference[:8], reference[8:12], reference[12:16], reference[16:20], reference[20:]}, "-")
}

// refusedAt says that a document is refused, with the status and with an error at each of the places, and records nothing.
func (r *replica) refusedAt(name, doc string, status int, places ...string) {
	r.Helper()
	_, p := r.post("/v1/iso20022", "", typeXML, doc)
	if p.Status != status {
		r.Errorf("%s: %+v", name, p)
		return
	}
	for _, want := range places {
		found := false
		for _, e := range p.Errors {
			found = found || e.Location == want
		}
		if !found {
			r.Errorf("%s: no error at %s: %+v", name, want, p.Errors)
		}
	}
}
