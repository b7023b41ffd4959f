package cbpr

import (
	"slices"

	"qiantang.dev/rails/internal/iso20022"
)

// Envelope is what a message says that its business application header must say too.
type Envelope struct {
	// Definition is the message's, such as pacs.008.001.08.
	Definition string
	MessageID  string
	From, To   *iso20022.Agent
	// Cover marks a pacs.009 that covers a customer's transfer.
	Cover bool
}

// EnvelopeOfPacs008 and the like read it from the message.
func EnvelopeOfPacs008(m *iso20022.Pacs008) Envelope {
	e := Envelope{Definition: iso20022.IDPacs008, MessageID: m.Header.MessageID, From: m.Header.InstructingAgent, To: m.Header.InstructedAgent}
	if len(m.Transfers) > 0 {
		e.From, e.To = orElse(e.From, m.Transfers[0].InstructingAgent), orElse(e.To, m.Transfers[0].InstructedAgent)
	}
	return e
}

// EnvelopeOfPacs009 reads what the header of a pacs.009 must say.
func EnvelopeOfPacs009(m *iso20022.Pacs009) Envelope {
	e := Envelope{Definition: iso20022.IDPacs009, MessageID: m.Header.MessageID, From: m.Header.InstructingAgent, To: m.Header.InstructedAgent}
	if len(m.Transfers) > 0 {
		t := &m.Transfers[0]
		e.From, e.To = orElse(e.From, t.InstructingAgent), orElse(e.To, t.InstructedAgent)
		e.Cover = t.Underlying != nil
	}
	return e
}

// EnvelopeOfPacs002 reads what the header of a pacs.002 must say.
func EnvelopeOfPacs002(m *iso20022.Pacs002) Envelope {
	e := Envelope{Definition: iso20022.IDPacs002, MessageID: m.MessageID, From: m.InstructingAgent, To: m.InstructedAgent}
	if len(m.Transfers) > 0 {
		e.From, e.To = orElse(e.From, m.Transfers[0].InstructingAgent), orElse(e.To, m.Transfers[0].InstructedAgent)
	}
	return e
}

// EnvelopeOfPacs004 reads what the header of a pacs.004 must say.
func EnvelopeOfPacs004(m *iso20022.Pacs004) Envelope {
	e := Envelope{Definition: iso20022.IDPacs004, MessageID: m.MessageID, From: m.InstructingAgent, To: m.InstructedAgent}
	if len(m.Returns) > 0 {
		e.From, e.To = orElse(e.From, m.Returns[0].InstructingAgent), orElse(e.To, m.Returns[0].InstructedAgent)
	}
	return e
}

// EnvelopeOfCamt056 reads what the header of a camt.056 must say.
func EnvelopeOfCamt056(m *iso20022.Camt056) Envelope {
	return Envelope{Definition: iso20022.IDCamt056, MessageID: m.Assignment.ID, From: m.Assignment.Assigner.Agent, To: m.Assignment.Assignee.Agent}
}

// EnvelopeOfCamt029 reads what the header of a camt.029 must say.
func EnvelopeOfCamt029(m *iso20022.Camt029) Envelope {
	return Envelope{Definition: iso20022.IDCamt029, MessageID: m.Assignment.ID, From: m.Assignment.Assigner.Agent, To: m.Assignment.Assignee.Agent}
}

var services = []string{"swift.cbprplus.03", "swift.cbprplus.stp.03", "swift.cbprplus.cov.03", "swift.cbprplus.adv.03"}

// CheckHeader checks a business application header against its message. A copy (COPY, CODU) may go to others than the agents.
func CheckHeader(h *iso20022.Header, e Envelope) []Violation {
	c := newChecker().at("AppHdr")
	if h.MessageID != e.MessageID {
		c.fail("BizMsgIdr", h.MessageID, "must be the message's own: "+e.MessageID)
	}
	if h.Definition != e.Definition {
		c.fail("MsgDefIdr", h.Definition, "must be the message's: "+e.Definition)
	}
	if !slices.Contains(services, h.Service) {
		c.fail("BizSvc", h.Service, "want swift.cbprplus.03, or its stp, cov or adv")
	}
	if cov := h.Service == "swift.cbprplus.cov.03"; cov != e.Cover && (cov || h.Service == "swift.cbprplus.03") && e.Definition == iso20022.IDPacs009 {
		c.fail("BizSvc", h.Service, "swift.cbprplus.cov.03 goes with a pacs.009 that covers a customer's transfer, and only with one")
	}
	c.moment("CreDt", h.Created)
	copied := h.CopyDuplicate == "COPY" || h.CopyDuplicate == "CODU"
	c.same("Fr", h.From, e.From, copied)
	c.same("To", h.To, e.To, copied)
	return *c.found
}

func (c checker) same(name string, p iso20022.HeaderParty, a *iso20022.Agent, copied bool) {
	if p.Institution == nil || p.Institution.BIC == "" {
		c.fail(name+"/FIId/FinInstnId/BICFI", "", "is required")
		return
	}
	if !copied && a != nil && p.Institution.BIC != a.BIC {
		c.fail(name+"/FIId/FinInstnId/BICFI", p.Institution.BIC, "must be the message's agent: "+a.BIC)
	}
}
