package router

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

func TestAPacs008IsPaidFromItsSendersAccountAndAnsweredByAPacs002(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "1000.00")
	in := bankTransfer(1, 10000)
	doc := w.enveloped(iso20022.IDPacs008, "HRB-1", senderBIC, ourBIC, in)
	answer := r.exchanged(doc)
	out, m := w.pacs002(answer)
	tx := &out.Transfers[0]
	if verdict(out) != "ACSP" || tx.Original.MessageID != "HRB-1" || tx.OriginalInstructionID != "I-1" || tx.OriginalEndToEndID != "E-1" || tx.OriginalUETR != uetrNo(1) {
		t.Errorf("%+v", tx)
	}
	if h := m.Header; h == nil || h.From.Institution.BIC != ourBIC || h.To.Institution.BIC != senderBIC || len(h.Related) != 1 || h.Related[0].MessageID != "HRB-1" {
		t.Errorf("header %+v", m.Header)
	}
	p := r.becomes(paymentID(tx.ServicerRef), client.Paid)
	if p.Account != "customer:bank-newyork:USD" || p.UETR != uetrNo(1) || p.Corridor != "us-cn" || p.Debtor == nil || p.Debtor.Name != "Albany Tools Inc" ||
		p.Debtor.AgentBIC != "ALBKUS33" || p.Metadata["endToEndId"] != "E-1" || p.Reference != "Invoice 88" || p.Beneficiary.Town != "Hangzhou" {
		t.Errorf("%+v", p)
	}
	if again := r.exchanged(doc); !bytes.Equal(again, answer) {
		t.Errorf("sent again, answered otherwise:\n%s\n%s", answer, again)
	}
	// The same transfer under another message, as after a time-out: the same payment.
	in.Header.MessageID = "HRB-1-again"
	if again := r.pacs008(in); again.Transfers[0].ServicerRef != tx.ServicerRef || verdict(again) != "ACSP" {
		t.Errorf("%+v", again.Transfers[0])
	}
	w.audit()
}

func TestTheSamePacs008FromManyIsOnePayment(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "1000.00")
	doc := []byte(w.text(bankTransfer(1, 10000)))
	answers := make([][]byte, 16)
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
	for _, a := range answers[1:] {
		if !bytes.Equal(a, answers[0]) {
			t.Fatalf("two answers:\n%s\n%s", answers[0], a)
		}
	}
	w.until("nothing is under way", r.calm)
	page, err := r.api.Payments(t.Context(), client.ListOptions{})
	if err != nil || len(page.Payments) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	w.audit()
}

func TestAPacs008ThatCannotBePaidIsRejectedWithAReason(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "150.00")
	if out := r.pacs008(bankTransfer(1, 10000)); verdict(out) != "ACSP" {
		t.Fatal(verdict(out))
	}
	w.region.Corridors[0].Rules = append(w.region.Corridors[0].Rules,
		plan.Rule{Name: "debtor", When: `payment.debtor.country == "KP"`, Action: "Deny", Message: "not from there"})
	w.seal()
	if err := r.Switch(t.Context(), w.region, w.creds); err != nil {
		t.Fatal(err)
	}
	transfer := func(n int, f func(m *iso20022.Pacs008, t *iso20022.CustomerTransfer)) *iso20022.Pacs008 {
		m := bankTransfer(n, 1000)
		f(m, &m.Transfers[0])
		return m
	}
	for name, c := range map[string]struct {
		want, words string
		m           *iso20022.Pacs008
	}{
		"funds":                           {"RJCT AM04", "less available", bankTransfer(2, 9000)},
		"other content under a used UETR": {"RJCT AM05", "another request", bankTransfer(1, 2000)},
		"corridor":                        {"RJCT AG01", "country 'FR'", transfer(3, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) { t.Creditor.Address.Country = "FR" })},
		"rule":                            {"RJCT NARR", "gambling", transfer(4, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) { t.Purpose.Code = "GAMB" })},
		"sender":                          {"RJCT AGNT", "no participant", transfer(5, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) { t.InstructingAgent.BIC = "NOBODE33" })},
		"no account of the sender":        {"RJCT AC02", "no such account", transfer(6, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) { t.InstructingAgent.BIC = "MNBKDEFFXXX" })},
		"settlement elsewhere":            {"RJCT NARR", "only INDA", transfer(7, func(m *iso20022.Pacs008, _ *iso20022.CustomerTransfer) { m.Header.Settlement.Method = "INGA" })},
		"settlement account": {"RJCT AC02", "SttlmAcct", transfer(8, func(m *iso20022.Pacs008, _ *iso20022.CustomerTransfer) {
			m.Header.Settlement.Account = &iso20022.Account{Other: "customer:acme:USD"}
		})},
		"fee with DEBT": {"RJCT NARR", "takes its fee", transfer(9, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) { t.ChargeBearer = "DEBT" })},
		"intermediary": {"RJCT AGNT", "IntrmyAgt1", transfer(10, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) {
			t.Intermediary1 = &iso20022.Agent{BIC: "CHASUS33"}
		})},
		"instruction": {"RJCT NARR", "InstrForCdtrAgt", transfer(11, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) {
			t.ForCreditorAgent = []iso20022.InstructionTo{{Code: "HOLD"}}
		})},
		"instruction for us": {"RJCT NARR", "InstrForNxtAgt", transfer(12, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) {
			t.ForNextAgent = []iso20022.InstructionTo{{Text: "by courier"}}
		})},
		"creditor's account":         {"RJCT AC03", "CdtrAcct", transfer(13, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) { t.CreditorAccount = nil })},
		"far ahead":                  {"RJCT DT01", "ahead", transfer(14, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) { t.SettlementDate = "2099-01-01" })},
		"rule about the debtor":      {"RJCT NARR", "not from there", transfer(17, func(_ *iso20022.Pacs008, t *iso20022.CustomerTransfer) { t.Debtor.Address.Country = "KP" })},
		"below the corridor's least": {"RJCT AM06", "minimum", bankTransfer(16, 90)},
		"above the corridor's most":  {"RJCT AM02", "", bankTransfer(15, 200_000_000_00)},
	} {
		out := r.pacs008(c.m)
		var words string
		if len(out.Transfers[0].Reasons) > 0 {
			words = strings.Join(out.Transfers[0].Reasons[0].Additional, "")
		}
		if verdict(out) != c.want || !strings.Contains(words, c.words) {
			t.Errorf("%s: %s: %s", name, verdict(out), words)
		}
	}
	w.until("nothing is under way", r.calm)
	// A refusal that is on record is the same answer again, byte for byte.
	doc := w.text(bankTransfer(2, 9000))
	if a, b := r.exchanged(doc), r.exchanged(doc); !bytes.Equal(a, b) {
		t.Errorf("%s\n%s", a, b)
	}
	w.audit()
}

func TestAPacs008AgainstCBPRIsRefusedWithThePath(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "1000.00")
	const tx = "body/Document/FIToFICstmrCdtTrf/CdtTrfTxInf[1]/"
	good := bankTransfer(1, 10000)
	doc := w.text(good)
	header := w.enveloped(iso20022.IDPacs008, "HRB-1", senderBIC, ourBIC, good)
	swap := func(in, old, now string) string {
		t.Helper()
		if !strings.Contains(in, old) {
			t.Fatalf("no %q in\n%s", old, in)
		}
		return strings.Replace(in, old, now, 1)
	}
	for name, c := range map[string]struct{ doc, place string }{
		"no UETR":              {swap(doc, "<UETR>"+uetrNo(1)+"</UETR>", ""), tx + "PmtId/UETR"},
		"no InstrId":           {swap(doc, "<InstrId>I-1</InstrId>", ""), tx + "PmtId/InstrId"},
		"unstructured address": {swap(doc, "<TwnNm>Hangzhou</TwnNm>", ""), tx + "Cdtr/PstlAdr/TwnNm"},
		"character set":        {swap(doc, "Hangzhou Silk", "杭州丝绸"), tx + "Cdtr/Nm"},
		"clearing":             {swap(doc, "INDA", "CLRG"), "body/Document/FIToFICstmrCdtTrf/GrpHdr/SttlmInf/SttlmMtd"},
		"no offset":            {swap(doc, "09:00:00-05:00", "09:00:00"), "body/Document/FIToFICstmrCdtTrf/GrpHdr/CreDtTm"},
		"CRED without charges": {swap(doc, "SHAR", "CRED"), tx + "ChrgsInf"},
		"for another":          {swap(doc, ourBIC, "CHASUS33"), tx + "InstdAgt/FinInstnId/BICFI"},
		"amount":               {swap(doc, ">100.00</IntrBkSttlmAmt>", ">100.001</IntrBkSttlmAmt>"), "body/Document/FIToFICstmrCdtTrf/CdtTrfTxInf[1]/IntrBkSttlmAmt"},
		"misplaced":            {swap(doc, "<Purp>", "<UltmtCdtr><Nm>x</Nm></UltmtCdtr><Dbtr/><Purp>"), "body/Document/FIToFICstmrCdtTrf/CdtTrfTxInf[1]/Dbtr"},
		"header's message":     {swap(header, "<BizMsgIdr>HRB-1<", "<BizMsgIdr>HRB-2<"), "body/AppHdr/BizMsgIdr"},
		"header's sender":      {swap(header, senderBIC, "CHASUS33"), "body/AppHdr/Fr/FIId/FinInstnId/BICFI"},
		"header's service":     {swap(header, "swift.cbprplus.03", "swift.other"), "body/AppHdr/BizSvc"},
		"header's element":     {swap(header, "<BizSvc>swift.cbprplus.03</BizSvc>", "<BizSvx/>"), "body/AppHdr/BizSvx"},
		"header's definition":  {swap(header, ">pacs.008.001.08<", ">pacs.009.001.08<"), "body/AppHdr/MsgDefIdr"},
	} {
		r.refusedAt(name, c.doc, http.StatusUnprocessableEntity, c.place)
	}
	twice := *good
	twice.Transfers = append(twice.Transfers, good.Transfers[0])
	r.refusedAt("two transfers", w.text(&twice), http.StatusUnprocessableEntity, "body/Document/FIToFICstmrCdtTrf/GrpHdr/NbOfTxs")
	if n, err := w.ledger.CountRecords(t.Context(), kindPayment, ""); err != nil || len(n) != 0 {
		t.Errorf("recorded %v, %v", n, err)
	}
	w.region.Participants[0].BIC = ""
	w.seal()
	if err := r.Switch(t.Context(), w.region, w.creds); err != nil {
		t.Fatal(err)
	}
	if _, p := r.post("/v1/iso20022", "", typeXML, doc); p.Status != http.StatusConflict || p.Code() != codeNoMessage || !strings.Contains(p.Detail, "qiantang-pay") {
		t.Errorf("%+v", p)
	}
}

func TestAPacs008ForALaterDayIsHeld(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("bank-newyork", "USD", "1000.00")
	in := bankTransfer(1, 10000)
	in.Transfers[0].SettlementDate = r.now().AddDate(0, 0, 5).Format("2006-01-02")
	if out := r.pacs008(in); verdict(out) != "ACCP" {
		t.Error(verdict(out))
	}
}

func TestAUETRIsOnePaymentsAlone(t *testing.T) {
	w := banks(t, sim.Options{})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	r.fund("bank-newyork", "USD", "1000.00")
	req := request("10.00")
	req.UETR = uetrNo(1)
	first, err := r.api.Pay(t.Context(), "k", req)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.api.Pay(t.Context(), "k", req); err != nil || again.ID != first.ID {
		t.Errorf("%+v, %v", again, err)
	}
	_, err = r.api.Pay(t.Context(), "other", req)
	if p := w.problemOf(err); p.Status != http.StatusConflict || p.Code() != codeUETR || p.Errors[0].Location != "body.uetr" {
		t.Errorf("%+v", p)
	}
	if out := r.pacs008(bankTransfer(1, 1000)); verdict(out) != "RJCT AM05" {
		t.Error(verdict(out))
	}
	// One that was made here is taken as well.
	made := r.pay("k2", "10.00")
	req.UETR = made.UETR
	_, err = r.api.Pay(t.Context(), "k3", req)
	if p := w.problemOf(err); p.Code() != codeUETR {
		t.Errorf("%+v", p)
	}
	w.until("nothing is under way", r.calm)
	w.audit()
}

func TestADebtorIsHandedOn(t *testing.T) {
	p := payment{Owner: "acme", Account: "customer:acme:USD"}
	if d := p.debtor(); d.Name != "acme" || d.Account != "customer:acme:USD" {
		t.Errorf("%+v", d)
	}
	p.Debtor = &client.Party{Name: "Albany Tools", Country: "US", Town: "Albany"}
	if d := p.debtor(); d.Name != "Albany Tools" || d.Town != "Albany" || d.Account != "" {
		t.Errorf("%+v", d)
	}
	req := request("1.00")
	req.Debtor = &client.Party{Name: "", Country: "usa"}
	var c checker
	c.party("debtor", *req.Debtor, "", false)
	if len(c.errs) != 2 || c.errs[0].Location != "body.debtor.name" || c.errs[1].Location != "body.debtor.country" {
		t.Errorf("%+v", c.errs)
	}
}
