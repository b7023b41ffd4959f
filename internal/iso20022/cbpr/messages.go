package cbpr

import (
	"qiantang.dev/rails/internal/iso20022"
)

// CheckPacs008 checks a customer credit transfer: one payment a message.
func CheckPacs008(m *iso20022.Pacs008) []Violation {
	c := newChecker()
	c.header(&m.Header, len(m.Transfers))
	for i := range m.Transfers {
		t := &m.Transfers[i]
		c := c.nth("CdtTrfTxInf", i)
		c.identified(t.ID)
		c.amount("IntrBkSttlmAmt", t.Amount, false)
		c.settled(&m.Header, t.SettlementDate)
		c.amount("InstdAmt", t.InstructedAmount, false)
		c.between(&m.Header, t.InstructingAgent, t.InstructedAgent)
		c.charges(t.ChargeBearer, t.Charges)
		if t.InstructedAmount.Currency() != "" && t.Amount.Currency() != "" {
			same := t.InstructedAmount.Currency() == t.Amount.Currency()
			if !same && t.ExchangeRate == "" {
				c.fail("XchgRate", "", "is required where InstdAmt is in another currency")
			}
			if same && t.ExchangeRate != "" {
				c.fail("XchgRate", t.ExchangeRate, "must not be where InstdAmt is in the same currency")
			}
		}
		c.party("UltmtDbtr", t.UltimateDebtor, false)
		c.party("InitgPty", t.InitiatingParty, false)
		c.party("Dbtr", &t.Debtor, true)
		c.agent("DbtrAgt", &t.DebtorAgent, false)
		c.agent("CdtrAgt", &t.CreditorAgent, false)
		c.party("Cdtr", &t.Creditor, true)
		c.party("UltmtCdtr", t.UltimateCreditor, false)
		c.agent("IntrmyAgt1", t.Intermediary1, false)
		c.agent("IntrmyAgt2", t.Intermediary2, false)
		c.agent("IntrmyAgt3", t.Intermediary3, false)
		if t.Intermediary1 == nil && (t.Intermediary2 != nil || t.Intermediary3 != nil) || t.Intermediary2 == nil && t.Intermediary3 != nil {
			c.fail("IntrmyAgt1", "", "intermediaries are named from the first on")
		}
		c.instructions("InstrForCdtrAgt", t.ForCreditorAgent)
		c.instructions("InstrForNxtAgt", t.ForNextAgent)
		c.remittance(t.Remittance)
	}
	return *c.found
}

// CheckPacs009 checks a credit transfer between institutions: one payment a message; one that covers a customer's names it.
func CheckPacs009(m *iso20022.Pacs009) []Violation {
	c := newChecker()
	c.header(&m.Header, len(m.Transfers))
	for i := range m.Transfers {
		t := &m.Transfers[i]
		c := c.nth("CdtTrfTxInf", i)
		c.identified(t.ID)
		c.amount("IntrBkSttlmAmt", t.Amount, false)
		c.settled(&m.Header, t.SettlementDate)
		c.between(&m.Header, t.InstructingAgent, t.InstructedAgent)
		c.agent("Dbtr", &t.Debtor, false)
		c.agent("DbtrAgt", t.DebtorAgent, false)
		c.agent("CdtrAgt", t.CreditorAgent, false)
		c.agent("Cdtr", &t.Creditor, false)
		for _, u := range t.Remittance {
			c.text("RmtInf/Ustrd", u)
		}
		if u := t.Underlying; u != nil {
			c := c.at("UndrlygCstmrCdtTrf")
			c.party("Dbtr", &u.Debtor, true)
			c.party("Cdtr", &u.Creditor, true)
			c.party("UltmtDbtr", u.UltimateDebtor, false)
			c.party("UltmtCdtr", u.UltimateCreditor, false)
			c.agent("DbtrAgt", &u.DebtorAgent, false)
			c.agent("CdtrAgt", &u.CreditorAgent, false)
			c.remittance(u.Remittance)
		}
	}
	return *c.found
}

// CheckPacs002 checks a status report.
func CheckPacs002(m *iso20022.Pacs002) []Violation {
	c := newChecker()
	g := c.at("GrpHdr")
	g.reference("MsgId", m.MessageID)
	g.moment("CreDtTm", m.Created)
	if len(m.Transfers) != 1 {
		c.fail("TxInfAndSts", "", "exactly one")
	}
	for i := range m.Transfers {
		t := &m.Transfers[i]
		c := c.nth("TxInfAndSts", i)
		c.uetr("OrgnlUETR", t.OriginalUETR)
		c.need("OrgnlEndToEndId", t.OriginalEndToEndID)
		c.need("TxSts", t.Status)
		if t.Original == nil {
			c.fail("OrgnlGrpInf", "", "is required")
		}
		if t.Status == "RJCT" && len(t.Reasons) == 0 {
			c.fail("StsRsnInf", "", "is required where TxSts is RJCT")
		}
		c.agent("InstgAgt", orElse(t.InstructingAgent, m.InstructingAgent), true)
		c.agent("InstdAgt", orElse(t.InstructedAgent, m.InstructedAgent), true)
	}
	return *c.found
}

// CheckPacs004 checks a return: one payment a message.
func CheckPacs004(m *iso20022.Pacs004) []Violation {
	c := newChecker()
	g := c.at("GrpHdr")
	g.reference("MsgId", m.MessageID)
	g.moment("CreDtTm", m.Created)
	if m.Count != "1" || len(m.Returns) != 1 {
		g.fail("NbOfTxs", m.Count, "must be 1")
	}
	for i := range m.Returns {
		t := &m.Returns[i]
		c := c.nth("TxInf", i)
		c.uetr("OrgnlUETR", t.OriginalUETR)
		c.need("OrgnlEndToEndId", t.OriginalEndToEndID)
		c.amount("RtrdIntrBkSttlmAmt", t.Amount, false)
		c.need("IntrBkSttlmDt", t.SettlementDate)
		c.agent("InstgAgt", orElse(t.InstructingAgent, m.InstructingAgent), true)
		c.agent("InstdAgt", orElse(t.InstructedAgent, m.InstructedAgent), true)
		if t.Original == nil && m.Original == nil {
			c.fail("OrgnlGrpInf", "", "is required")
		}
		if t.Chain == nil {
			c.fail("RtrChain", "", "is required")
		}
		if len(t.Reasons) != 1 || t.Reasons[0].Reason.Value() == "" {
			c.fail("RtrRsnInf/Rsn", "", "exactly one reason")
		}
	}
	return *c.found
}

// CheckCamt056 checks a cancellation request: one payment a message.
func CheckCamt056(m *iso20022.Camt056) []Violation {
	c := newChecker()
	c.assignment(&m.Assignment)
	if len(m.Underlying) != 1 || len(m.Underlying[0].Transfers) != 1 {
		c.fail("Undrlyg/TxInf", "", "exactly one")
		return *c.found
	}
	t := &m.Underlying[0].Transfers[0]
	c = c.at("Undrlyg[1]/TxInf[1]")
	c.uetr("OrgnlUETR", t.OriginalUETR)
	if t.Original == nil {
		c.fail("OrgnlGrpInf", "", "is required")
	}
	if len(t.Reasons) != 1 || t.Reasons[0].Reason.Value() == "" {
		c.fail("CxlRsnInf/Rsn", "", "exactly one reason")
	}
	return *c.found
}

// CheckCamt029 checks the answer to a cancellation request: one payment a message.
func CheckCamt029(m *iso20022.Camt029) []Violation {
	c := newChecker()
	c.assignment(&m.Assignment)
	c.need("Sts/Conf", m.Confirmation)
	if len(m.Details) != 1 || len(m.Details[0].Transfers) != 1 {
		c.fail("CxlDtls/TxInfAndSts", "", "exactly one")
		return *c.found
	}
	t := &m.Details[0].Transfers[0]
	c = c.at("CxlDtls[1]/TxInfAndSts[1]")
	c.uetr("OrgnlUETR", t.OriginalUETR)
	if t.Status == "RJCR" && len(t.Reasons) == 0 {
		c.fail("CxlStsRsnInf", "", "is required where TxCxlSts is RJCR")
	}
	return *c.found
}

func orElse(a, b *iso20022.Agent) *iso20022.Agent {
	if a != nil {
		return a
	}
	return b
}

func (c checker) header(h *iso20022.GroupHeader, transfers int) {
	c = c.at("GrpHdr")
	c.reference("MsgId", h.MessageID)
	c.moment("CreDtTm", h.Created)
	if h.Count != "1" || transfers != 1 {
		c.fail("NbOfTxs", h.Count, "must be 1")
	}
	if h.Settlement.Method == "CLRG" {
		c.fail("SttlmInf/SttlmMtd", "CLRG", "want INDA, INGA or COVE: CBPR+ messages settle between correspondents")
	}
}

func (c checker) identified(id iso20022.PaymentID) {
	c = c.at("PmtId")
	c.need("InstrId", id.InstructionID)
	c.reference("InstrId", id.InstructionID)
	// Its presence is the schema's; who has none writes NOTPROVIDED.
	c.text("EndToEndId", id.EndToEndID)
	c.text("TxId", id.TransactionID)
	c.uetr("UETR", id.UETR)
}

func (c checker) settled(h *iso20022.GroupHeader, date string) {
	if date == "" && h.SettlementDate == "" {
		c.fail("IntrBkSttlmDt", "", "is required")
	}
	if date != "" && h.SettlementDate != "" {
		c.fail("IntrBkSttlmDt", date, "stands in the group header already")
	}
}

func (c checker) between(h *iso20022.GroupHeader, from, to *iso20022.Agent) {
	c.agent("InstgAgt", orElse(from, h.InstructingAgent), true)
	c.agent("InstdAgt", orElse(to, h.InstructedAgent), true)
}

func (c checker) charges(bearer string, charges []iso20022.Charge) {
	switch bearer {
	case "CRED":
		if len(charges) == 0 {
			c.fail("ChrgsInf", "", "is required where ChrgBr is CRED, even if zero")
		}
	case "DEBT":
		if len(charges) > 1 {
			c.fail("ChrgsInf", "", "at most one where ChrgBr is DEBT")
		}
	case "SLEV":
		c.fail("ChrgBr", bearer, "want DEBT, CRED or SHAR")
	}
	for i := range charges {
		c := c.nth("ChrgsInf", i)
		c.amount("Amt", charges[i].Amount, true)
		c.agent("Agt", &charges[i].Agent, false)
	}
}

func (c checker) instructions(name string, all []iso20022.InstructionTo) {
	for i, in := range all {
		c.nth(name, i).text("InstrInf", in.Text)
		for _, other := range all[:i] {
			if in.Code != "" && in.Code == other.Code {
				c.nth(name, i).fail("Cd", in.Code, "each code at most once")
			}
		}
	}
}

func (c checker) assignment(a *iso20022.Assignment) {
	c = c.at("Assgnmt")
	c.reference("Id", a.ID)
	c.moment("CreDtTm", a.Created)
	c.agent("Assgnr/Agt", a.Assigner.Agent, true)
	c.agent("Assgne/Agt", a.Assignee.Agent, true)
}
