package router

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

func TestAPaymentIsWrittenAsItsInstruction(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	req := request("100.00")
	req.Metadata = map[string]string{"endToEndId": "INV/2026-77"}
	req.Debtor = &client.Party{Name: "Acme Subsidiary", Country: "US", Town: "Albany", Street: "Main Street 1", Account: "000123"}
	p, err := r.api.Pay(t.Context(), "k", req)
	if err != nil {
		t.Fatal(err)
	}
	p = r.becomes(p.ID, client.Paid)
	m := r.instruction(p.ID)
	x := &m.Transfers[0]
	received, err := money.ParseAmount(p.Route.Received.Value, "CNY")
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case x.Amount != received, x.InstructedAmount != money.FromMinor(10000, "USD"), x.ExchangeRate != p.Route.Rate, x.ChargeBearer != "SHAR":
		t.Errorf("amounts: %+v", x)
	case len(x.Charges) != 1 || x.Charges[0].Amount.String() != p.Route.Fee.Value+" USD" || x.Charges[0].Agent.BIC != ourBIC:
		t.Errorf("charges: %+v", x.Charges)
	case x.ID.UETR != p.UETR || x.ID.EndToEndID != "INV/2026-77" || x.ID.InstructionID != strings.ReplaceAll(p.ID, "-", "")+"-1" || m.Header.MessageID != x.ID.InstructionID:
		t.Errorf("names: %+v", x.ID)
	case x.Debtor.Name != "Acme Subsidiary" || x.Debtor.Address.Town != "Albany" || x.DebtorAccount.Other != "000123" || x.DebtorAgent.BIC != ourBIC:
		t.Errorf("debtor: %+v", x)
	case x.Creditor.Address.Town != "Hangzhou" || x.CreditorAgent.BIC != "ICBKCNBJ" || x.CreditorAgent.Member != "102331000018" || x.Purpose.Code != "GDDS":
		t.Errorf("creditor: %+v", x)
	}
	status := r.written(p.ID, "pacs.002")
	report, _, err := iso20022.ReadPacs002(status.Document)
	if err != nil {
		t.Fatal(err)
	}
	w.rules(status, cbpr.CheckPacs002(report), cbpr.EnvelopeOfPacs002(report))
	if s := &report.Transfers[0]; verdict(report) != "ACSC" || s.Original.MessageID != m.Header.MessageID || s.InstructedAgent.BIC != ourBIC || s.InstructingAgent.BIC != x.InstructedAgent.BIC {
		t.Errorf("%+v", s)
	}
	if _, err := r.api.Message(t.Context(), p.ID, "pacs.004"); w.problemOf(err).Code() != codeNoMessage {
		t.Error(err)
	}
	if _, err := r.api.Return(t.Context(), p.ID, client.ReturnRequest{Code: "AC01", Detail: "no such account"}); err != nil {
		t.Fatal(err)
	}
	back := r.written(p.ID, "pacs.004")
	ret, _, err := iso20022.ReadPacs004(back.Document)
	if err != nil {
		t.Fatal(err)
	}
	w.rules(back, cbpr.CheckPacs004(ret), cbpr.EnvelopeOfPacs004(ret))
	if y := &ret.Returns[0]; y.Amount != received || y.OriginalAmount != received || y.Reasons[0].Reason.Code != "AC01" || y.InstructedAgent.BIC != ourBIC ||
		y.Chain.Debtor.Party.Name != "Hangzhou Silk" || y.Chain.Creditor.Party.Name != "Acme Subsidiary" {
		t.Errorf("%+v", y)
	}
}

func TestAPaymentThatCameByAPacs008IsWrittenToItsSender(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "1000.00")
	in := bankTransfer(1, 10000)
	in.Transfers[0].ChargeBearer = "CRED"
	in.Transfers[0].Charges = []iso20022.Charge{{Amount: money.FromMinor(500, "USD"), Agent: iso20022.Agent{BIC: senderBIC}}}
	in.Transfers[0].InstructedAmount = money.FromMinor(10500, "USD")
	in.Transfers[0].UltimateDebtor = &iso20022.Party{Name: "Albany Holding", Address: &iso20022.Address{Town: "Albany", Country: "US"}}
	id := paymentID(r.pacs008(in).Transfers[0].ServicerRef)
	p := r.becomes(id, client.Paid)
	m := r.instruction(id)
	x := &m.Transfers[0]
	if x.ID.UETR != uetrNo(1) || x.ID.EndToEndID != "E-1" || x.Debtor.Name != "Albany Tools Inc" || x.DebtorAgent.BIC != "ALBKUS33" || x.UltimateDebtor == nil ||
		x.PreviousInstructing1 == nil || x.PreviousInstructing1.BIC != senderBIC || x.InstructingAgent.BIC != ourBIC || len(x.Charges) != 2 ||
		x.Charges[1].Agent.BIC != ourBIC || x.InstructedAmount != money.FromMinor(10500, "USD") || string(x.Amount.Currency()) != "CNY" {
		t.Errorf("%+v", x)
	}
	status := r.written(id, "pacs.002")
	report, _, err := iso20022.ReadPacs002(status.Document)
	if err != nil || verdict(report) != "ACSC" || report.Transfers[0].Original.MessageID != "HRB-1" || report.Transfers[0].InstructedAgent.BIC != senderBIC {
		t.Errorf("%+v, %v", report, err)
	}
	if out := r.pacs004(r.bankReturn(id)); verdict(out) != "ACCC" {
		t.Fatal(verdict(out), out.Transfers[0].Reasons)
	}
	back := r.written(id, "pacs.004")
	ret, _, err := iso20022.ReadPacs004(back.Document)
	if err != nil {
		t.Fatal(err)
	}
	w.rules(back, cbpr.CheckPacs004(ret), cbpr.EnvelopeOfPacs004(ret))
	if y := &ret.Returns[0]; y.Amount != money.FromMinor(10000, "USD") || y.OriginalInstructionID != "I-1" || y.InstructedAgent.BIC != senderBIC || y.Reasons[0].Reason.Code != "AC04" {
		t.Errorf("%+v", y)
	}
	if p.Status != client.Paid {
		t.Errorf("%+v", p)
	}
	w.audit()
}

func TestARefusedPacs008HasAStatusAndNoInstruction(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "1.00")
	id := paymentID(r.pacs008(bankTransfer(1, 10000)).Transfers[0].ServicerRef)
	report, _, err := iso20022.ReadPacs002(r.written(id, "pacs.002").Document)
	if err != nil || verdict(report) != "RJCT NARR" || !strings.Contains(strings.Join(report.Transfers[0].Reasons[0].Additional, ""), "insufficient-funds") {
		t.Errorf("%+v, %v", report, err)
	}
	_, err = r.api.Message(t.Context(), id, "pacs.008")
	if p := w.problemOf(err); p.Status != http.StatusConflict || !strings.Contains(p.Detail, "has not been instructed") {
		t.Errorf("%+v", p)
	}
}

// fixedPaid is a provider that says that it paid.
type fixedPaid struct{ fx.Provider }

func (f fixedPaid) Pay(context.Context, fx.Instruction) (fx.Status, error) {
	return fx.Status{Outcome: fx.Succeeded}, nil
}

func TestWhatAMessageLacksIsNamed(t *testing.T) {
	w := banks(t, sim.Options{})
	w.between = func(p fx.Provider) fx.Provider { return fixedPaid{p} }
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	pay := func(key string, f func(*client.PaymentRequest)) string {
		req := request("100.00")
		f(&req)
		p, err := r.api.Pay(t.Context(), key, req)
		if err != nil {
			t.Fatal(err)
		}
		return r.becomes(p.ID, client.Paid).ID
	}
	good := pay("good", func(*client.PaymentRequest) {})
	lacks := func(name, id, want string) {
		t.Helper()
		_, err := r.api.Message(t.Context(), id, "pacs.008")
		if p := w.problemOf(err); p.Status != http.StatusConflict || p.Code() != codeNoMessage || !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	lacks("creditor's agent", pay("agent", func(q *client.PaymentRequest) { q.Beneficiary.AgentBIC, q.Beneficiary.CNAPS = "", "" }), "CdtTrfTxInf[1]/CdtrAgt/FinInstnId")
	lacks("characters", pay("name", func(q *client.PaymentRequest) { q.Beneficiary.Name = "杭州丝绸" }), "CdtTrfTxInf[1]/Cdtr/Nm")
	for _, missing := range []string{"pingpong", "qiantang-pay"} {
		for i := range w.region.Participants {
			if p := &w.region.Participants[i]; p.Name == missing || missing == "pingpong" && (p.Name == "lianlian" || p.Name == "antom") {
				p.BIC = ""
			}
		}
		w.seal()
		if err := r.Switch(t.Context(), w.region, w.creds); err != nil {
			t.Fatal(err)
		}
		want := "participant " + missing
		if missing == "pingpong" {
			p, err := r.api.Payment(t.Context(), good)
			if err != nil {
				t.Fatal(err)
			}
			want = "participant " + p.Route.Provider + ", which provider " + p.Route.Provider + " settles as, has no BIC"
		}
		lacks(missing, good, want)
	}
	if _, p := r.get("/v1/payments/" + good + "/iso20022?message=pain.001"); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("%+v", p)
	}
	if _, p := r.get("/v1/payments/nobody/iso20022?message=pacs.008"); p.Status != http.StatusNotFound {
		t.Errorf("%+v", p)
	}
}

func TestWhatIsBeingExchangedHasNoInstructionYet(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.idle("a", nil)
	for name, p := range map[string]*payment{
		"exchanging": {Route: &taken{Participant: "antom", Legs: make([]leg, 2)}, state: client.Pending},
		"exchanged":  {Route: &taken{Participant: "antom", Legs: make([]leg, 2)}, Leg: 1, state: client.Exchanged},
	} {
		_, _, err := r.instructed(t.Context(), r.snap.Load(), p, nil)
		if prob := w.problemOf(err); prob.Code() != codeNoMessage || !strings.Contains(prob.Detail, "exchanged") {
			t.Errorf("%s: %+v", name, prob)
		}
	}
}
