package cbpr_test

import (
	"strings"
	"testing"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/money"
)

const uetr = "8a562c67-ca16-48ba-b074-65581be6f011"

func usd(minor int64) money.Amount { return money.FromMinor(minor, "USD") }

func chase() *iso20022.Agent { return &iso20022.Agent{BIC: "CHASUS33XXX"} }
func icbc() *iso20022.Agent  { return &iso20022.Agent{BIC: "ICBKCNBJZJP"} }

func town(country, name string) *iso20022.Address {
	return &iso20022.Address{Town: name, Country: country}
}

func transfer() *iso20022.Pacs008 {
	return &iso20022.Pacs008{
		Header: iso20022.GroupHeader{MessageID: "M-1", Created: "2026-11-23T17:05:00+08:00", Count: "1", Settlement: iso20022.Settlement{Method: "INDA"}},
		Transfers: []iso20022.CustomerTransfer{{
			ID:     iso20022.PaymentID{InstructionID: "I-1", EndToEndID: "E-1", UETR: uetr},
			Amount: usd(1000), SettlementDate: "2026-11-24", InstructedAmount: usd(1000), ChargeBearer: "SHAR",
			InstructingAgent: chase(), InstructedAgent: icbc(),
			Debtor: iso20022.Party{Name: "Acme", Address: town("US", "New York")}, DebtorAgent: *chase(),
			CreditorAgent: *icbc(), Creditor: iso20022.Party{Name: "Silk", Address: town("CN", "Hangzhou")},
			Remittance: &iso20022.Remittance{Unstructured: []string{"Invoice #88 & more"}},
		}},
	}
}

// expect compares what was found with "path: part of the rule", one for one.
func expect(t *testing.T, got []cbpr.Violation, want ...string) {
	t.Helper()
	for i, v := range got {
		if i >= len(want) {
			t.Errorf("not expected: %v", v)
			continue
		}
		path, rule, _ := strings.Cut(want[i], ": ")
		if v.Path != path || !strings.Contains(v.Rule, rule) {
			t.Errorf("found %v, want %s", v, want[i])
		}
	}
	for _, w := range want[min(len(got), len(want)):] {
		t.Errorf("not found: %s", w)
	}
}

func TestPacs008(t *testing.T) {
	const tx = "CdtTrfTxInf[1]/"
	type change = func(h *iso20022.GroupHeader, t *iso20022.CustomerTransfer)
	for name, c := range map[string]struct {
		change change
		want   []string
	}{
		"good":         {func(*iso20022.GroupHeader, *iso20022.CustomerTransfer) {}, nil},
		"count":        {func(h *iso20022.GroupHeader, _ *iso20022.CustomerTransfer) { h.Count = "2" }, []string{"GrpHdr/NbOfTxs: must be 1"}},
		"no offset":    {func(h *iso20022.GroupHeader, _ *iso20022.CustomerTransfer) { h.Created = "2026-11-23T17:05:00" }, []string{"GrpHdr/CreDtTm: offset"}},
		"clearing":     {func(h *iso20022.GroupHeader, _ *iso20022.CustomerTransfer) { h.Settlement.Method = "CLRG" }, []string{"GrpHdr/SttlmInf/SttlmMtd: INDA"}},
		"no UETR":      {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.ID.UETR = "" }, []string{tx + "PmtId/UETR: required"}},
		"no InstrId":   {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.ID.InstructionID = "" }, []string{tx + "PmtId/InstrId: required"}},
		"slash first":  {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.ID.InstructionID = "/a" }, []string{tx + "PmtId/InstrId: /"}},
		"slash last":   {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.ID.InstructionID = "a/" }, []string{tx + "PmtId/InstrId: /"}},
		"slashes":      {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.ID.InstructionID = "a//b" }, []string{tx + "PmtId/InstrId: /"}},
		"narrow set":   {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.ID.EndToEndID = "a&b" }, []string{tx + "PmtId/EndToEndId: '&'"}},
		"Chinese name": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.Creditor.Name = "钱塘" }, []string{tx + "Cdtr/Nm: '钱'"}},
		"no InstdAmt":  {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.InstructedAmount = money.Amount{} }, []string{tx + "InstdAmt: required"}},
		"gold": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.Amount = money.FromMinor(1, "XAU")
			t.InstructedAmount = t.Amount
		}, []string{tx + "IntrBkSttlmAmt: commodities", tx + "InstdAmt: commodities"}},
		"nothing":   {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.Amount = usd(0) }, []string{tx + "IntrBkSttlmAmt: more than zero"}},
		"no date":   {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.SettlementDate = "" }, []string{tx + "IntrBkSttlmDt: required"}},
		"two dates": {func(h *iso20022.GroupHeader, _ *iso20022.CustomerTransfer) { h.SettlementDate = "2026-11-24" }, []string{tx + "IntrBkSttlmDt: group header"}},
		"no rate": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.InstructedAmount = money.FromMinor(7000, "CNY")
		}, []string{tx + "XchgRate: required"}},
		"idle rate": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.ExchangeRate = "7.1" }, []string{tx + "XchgRate: must not"}},
		"no BIC": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.InstructedAgent = &iso20022.Agent{LEI: "529900T8BM49AURSDO55"}
		}, []string{tx + "InstdAgt/FinInstnId/BICFI: required"}},
		"no agent": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.InstructingAgent = nil }, []string{tx + "InstgAgt: required"}},
		"agent's name": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.CreditorAgent = iso20022.Agent{Name: "ICBC"}
		}, []string{tx + "CdtrAgt/FinInstnId: come together"}},
		"empty agent": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.CreditorAgent = iso20022.Agent{} }, []string{tx + "CdtrAgt/FinInstnId: needs BICFI"}},
		"CRED bare":   {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.ChargeBearer = "CRED" }, []string{tx + "ChrgsInf: required where ChrgBr is CRED"}},
		"CRED zero": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.ChargeBearer, t.Charges = "CRED", []iso20022.Charge{{Amount: usd(0), Agent: *chase()}}
		}, nil},
		"DEBT twice": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			one := iso20022.Charge{Amount: usd(1), Agent: *chase()}
			t.ChargeBearer, t.Charges = "DEBT", []iso20022.Charge{one, one}
		}, []string{tx + "ChrgsInf: at most one"}},
		"SLEV": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.ChargeBearer = "SLEV" }, []string{tx + "ChrgBr: DEBT, CRED or SHAR"}},
		"unstructured": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.Debtor.Address = &iso20022.Address{Lines: []string{"Broadway 1", "New York"}}
		}, []string{tx + "Dbtr/PstlAdr/TwnNm: 14 November 2026", tx + "Dbtr/PstlAdr/Ctry: 14 November 2026"}},
		"hybrid": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.Debtor.Address.Lines = []string{"Broadway 1", "Floor 2"}
		}, nil},
		"three lines": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.Debtor.Address.Lines = []string{"a", "b", "c"}
		}, []string{tx + "Dbtr/PstlAdr/AdrLine: at most 2"}},
		"AnyBIC": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.Debtor.Organisation = &iso20022.OrganisationID{AnyBIC: "ACMEUS33"}
		}, []string{tx + "Dbtr/Id/OrgId/AnyBIC: excludes Nm"}},
		"AnyBIC alone": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.Debtor = iso20022.Party{Organisation: &iso20022.OrganisationID{AnyBIC: "ACMEUS33"}}
		}, nil},
		"nameless": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.Creditor.Name = "" }, []string{tx + "Cdtr/Nm: required"}},
		"both remittances": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.Remittance.Structured = []iso20022.StructuredRemittance{{Reference: "RF18"}}
		}, []string{tx + "RmtInf/Strd: excludes Ustrd"}},
		"two texts": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.Remittance.Unstructured = []string{"a", "b"}
		}, []string{tx + "RmtInf/Ustrd: at most once"}},
		"long remittance": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.Remittance = &iso20022.Remittance{}
			for range 100 {
				t.Remittance.Structured = append(t.Remittance.Structured, iso20022.StructuredRemittance{Additional: []string{strings.Repeat("x", 100)}})
			}
		}, []string{tx + "RmtInf/Strd: at most 9000"}},
		"second without first": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) { t.Intermediary2 = chase() }, []string{tx + "IntrmyAgt1: from the first on"}},
		"instruction twice": {func(_ *iso20022.GroupHeader, t *iso20022.CustomerTransfer) {
			t.ForCreditorAgent = []iso20022.InstructionTo{{Code: "PHOB"}, {Code: "PHOB"}}
		}, []string{tx + "InstrForCdtrAgt[2]/Cd: at most once"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := transfer()
			c.change(&m.Header, &m.Transfers[0])
			expect(t, cbpr.CheckPacs008(m), c.want...)
		})
	}
}

func TestPacs009(t *testing.T) {
	good := func() *iso20022.Pacs009 {
		return &iso20022.Pacs009{
			Header: iso20022.GroupHeader{MessageID: "M-1", Created: "2026-11-23T17:05:00Z", Count: "1", Settlement: iso20022.Settlement{Method: "INGA"}},
			Transfers: []iso20022.BankTransfer{{
				ID: iso20022.PaymentID{InstructionID: "I-1", EndToEndID: "E-1", UETR: uetr}, Amount: usd(1), SettlementDate: "2026-11-24",
				InstructingAgent: chase(), InstructedAgent: icbc(), Debtor: *chase(), Creditor: *icbc(),
			}},
		}
	}
	expect(t, cbpr.CheckPacs009(good()))
	bad := good()
	bad.Transfers[0].Debtor = iso20022.Agent{}
	bad.Transfers[0].Remittance = []string{"a_b"}
	bad.Transfers[0].Underlying = &iso20022.Underlying{DebtorAgent: *chase(), CreditorAgent: *icbc(), Debtor: iso20022.Party{Name: "A", Address: town("US", "NY")}}
	expect(t, cbpr.CheckPacs009(bad), "CdtTrfTxInf[1]/Dbtr/FinInstnId: needs BICFI", "CdtTrfTxInf[1]/RmtInf/Ustrd: '_'", "CdtTrfTxInf[1]/UndrlygCstmrCdtTrf/Cdtr/Nm: required")
}

func TestStatusesReturnsAndRecallsNameTheirOriginal(t *testing.T) {
	original := &iso20022.OriginalGroup{MessageID: "M-1", MessageName: iso20022.IDPacs008}
	reason := []iso20022.Reason{{Reason: &iso20022.Code{Code: "AC04"}}}
	status := &iso20022.Pacs002{MessageID: "S-1", Created: "2026-11-23T17:05:00Z", Transfers: []iso20022.BankState{{
		Original: original, OriginalEndToEndID: "E-1", OriginalUETR: uetr, Status: "RJCT", Reasons: reason, InstructingAgent: icbc(), InstructedAgent: chase()}}}
	expect(t, cbpr.CheckPacs002(status))
	status.Transfers[0] = iso20022.BankState{Status: "RJCT"}
	const st = "TxInfAndSts[1]/"
	expect(t, cbpr.CheckPacs002(status), st+"OrgnlUETR: required", st+"OrgnlEndToEndId: required", st+"OrgnlGrpInf: required", st+"StsRsnInf: required",
		st+"InstgAgt: required", st+"InstdAgt: required")
	status.Transfers = nil
	expect(t, cbpr.CheckPacs002(status), "TxInfAndSts: exactly one")

	back := &iso20022.Pacs004{MessageID: "R-1", Created: "2026-11-23T17:05:00Z", Count: "1", InstructingAgent: icbc(), InstructedAgent: chase(), Original: original,
		Returns: []iso20022.Return{{OriginalUETR: uetr, OriginalEndToEndID: "E-1", Amount: usd(1), SettlementDate: "2026-11-24", Chain: &iso20022.ReturnChain{}, Reasons: reason}}}
	expect(t, cbpr.CheckPacs004(back))
	back.Count, back.Returns[0], back.Original = "2", iso20022.Return{}, nil
	const tx = "TxInf[1]/"
	expect(t, cbpr.CheckPacs004(back), "GrpHdr/NbOfTxs: must be 1", tx+"OrgnlUETR: required", tx+"OrgnlEndToEndId: required", tx+"RtrdIntrBkSttlmAmt: required",
		tx+"IntrBkSttlmDt: required", tx+"OrgnlGrpInf: required", tx+"RtrChain: required", tx+"RtrRsnInf/Rsn: exactly one")

	assigned := iso20022.Assignment{ID: "A-1", Created: "2026-11-23T17:05:00Z", Assigner: iso20022.PartyOrAgent{Agent: chase()}, Assignee: iso20022.PartyOrAgent{Agent: icbc()}}
	recall := &iso20022.Camt056{Assignment: assigned, Underlying: []iso20022.Cancellations{{Transfers: []iso20022.Cancellation{{OriginalUETR: uetr, Original: original, Reasons: reason}}}}}
	expect(t, cbpr.CheckCamt056(recall))
	recall.Underlying[0].Transfers[0] = iso20022.Cancellation{}
	recall.Assignment.Assigner = iso20022.PartyOrAgent{}
	const cx = "Undrlyg[1]/TxInf[1]/"
	expect(t, cbpr.CheckCamt056(recall), "Assgnmt/Assgnr/Agt: required", cx+"OrgnlUETR: required", cx+"OrgnlGrpInf: required", cx+"CxlRsnInf/Rsn: exactly one")
	recall.Underlying = nil
	expect(t, cbpr.CheckCamt056(recall), "Assgnmt/Assgnr/Agt: required", "Undrlyg/TxInf: exactly one")

	answer := &iso20022.Camt029{Assignment: assigned, Confirmation: "RJCR", Details: []iso20022.Cancelled{{Transfers: []iso20022.CancellationState{{OriginalUETR: uetr, Status: "RJCR", Reasons: reason}}}}}
	expect(t, cbpr.CheckCamt029(answer))
	answer.Confirmation, answer.Details[0].Transfers[0] = "", iso20022.CancellationState{Status: "RJCR"}
	expect(t, cbpr.CheckCamt029(answer), "Sts/Conf: required", "CxlDtls[1]/TxInfAndSts[1]/OrgnlUETR: required", "CxlDtls[1]/TxInfAndSts[1]/CxlStsRsnInf: required")
	answer.Details = nil
	expect(t, cbpr.CheckCamt029(answer), "Sts/Conf: required", "CxlDtls/TxInfAndSts: exactly one")
}

func TestTheHeaderSaysWhatTheMessageSays(t *testing.T) {
	message := cbpr.EnvelopeOfPacs008(transfer())
	good := func() *iso20022.Header {
		return &iso20022.Header{
			From: iso20022.HeaderParty{Institution: chase()}, To: iso20022.HeaderParty{Institution: icbc()},
			MessageID: "M-1", Definition: iso20022.IDPacs008, Service: "swift.cbprplus.03", Created: "2026-11-23T17:05:00+08:00",
		}
	}
	for name, c := range map[string]struct {
		change func(*iso20022.Header)
		want   []string
	}{
		"good":       {func(*iso20022.Header) {}, nil},
		"identifier": {func(h *iso20022.Header) { h.MessageID = "M-2" }, []string{"AppHdr/BizMsgIdr: M-1"}},
		"definition": {func(h *iso20022.Header) { h.Definition = iso20022.IDPacs009 }, []string{"AppHdr/MsgDefIdr: pacs.008.001.08"}},
		"service":    {func(h *iso20022.Header) { h.Service = "swift.cbprplus.02" }, []string{"AppHdr/BizSvc: swift.cbprplus.03"}},
		"offset":     {func(h *iso20022.Header) { h.Created = "2026-11-23T17:05:00" }, []string{"AppHdr/CreDt: offset"}},
		"receiver":   {func(h *iso20022.Header) { h.To.Institution = chase() }, []string{"AppHdr/To/FIId/FinInstnId/BICFI: ICBKCNBJZJP"}},
		"a copy":     {func(h *iso20022.Header) { h.To.Institution = chase(); h.CopyDuplicate = "CODU" }, nil},
		"a person":   {func(h *iso20022.Header) { h.From = iso20022.HeaderParty{Organisation: &iso20022.Party{Name: "A"}} }, []string{"AppHdr/Fr/FIId/FinInstnId/BICFI: required"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := good()
			c.change(h)
			expect(t, cbpr.CheckHeader(h, message), c.want...)
		})
	}
	cover := cbpr.EnvelopeOfPacs009(&iso20022.Pacs009{Transfers: []iso20022.BankTransfer{{Underlying: &iso20022.Underlying{}}}})
	if !cover.Cover {
		t.Error("a cover is not seen as one")
	}
	h := good()
	h.MessageID, h.Definition = "", iso20022.IDPacs009
	expect(t, cbpr.CheckHeader(h, cover), "AppHdr/BizSvc: cov.03")
	h.Service = "swift.cbprplus.cov.03"
	expect(t, cbpr.CheckHeader(h, cover))
	for _, e := range []cbpr.Envelope{
		cbpr.EnvelopeOfPacs002(&iso20022.Pacs002{MessageID: "x", Transfers: []iso20022.BankState{{InstructingAgent: chase(), InstructedAgent: icbc()}}}),
		cbpr.EnvelopeOfPacs004(&iso20022.Pacs004{MessageID: "x", InstructingAgent: chase(), Returns: []iso20022.Return{{InstructedAgent: icbc()}}}),
		cbpr.EnvelopeOfCamt056(&iso20022.Camt056{Assignment: iso20022.Assignment{ID: "x", Assigner: iso20022.PartyOrAgent{Agent: chase()}, Assignee: iso20022.PartyOrAgent{Agent: icbc()}}}),
		cbpr.EnvelopeOfCamt029(&iso20022.Camt029{Assignment: iso20022.Assignment{ID: "x", Assigner: iso20022.PartyOrAgent{Agent: chase()}, Assignee: iso20022.PartyOrAgent{Agent: icbc()}}}),
	} {
		if e.MessageID != "x" || e.From == nil || e.From.BIC != "CHASUS33XXX" || e.To == nil || e.To.BIC != "ICBKCNBJZJP" {
			t.Errorf("envelope of %s: %+v", e.Definition, e)
		}
	}
}
