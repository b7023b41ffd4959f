package isomsg

import (
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/pkg/client"
)

// Status is the external status of a payment, and the reason where it has one.
type Status struct {
	Code    string
	Reasons []iso20022.Reason
}

// Rejected is the external status of what was refused.
const Rejected = "RJCT"

// StatusOf is where a payment stands. What was returned was completed before; the pacs.004 tells of the return.
func StatusOf(p *client.Payment) Status {
	switch p.Status {
	case client.Accepted:
		return Status{Code: "ACCP"}
	case client.Paid, client.Settled, client.Returned:
		return Status{Code: "ACSC"}
	case client.Cancelled:
		return Status{Code: "CANC", Reasons: Reasons("NARR", why(p))}
	case client.Rejected:
		return Status{Code: Rejected, Reasons: Reasons("NARR", why(p))}
	}
	return Status{Code: "ACSP"}
}

func why(p *client.Payment) string {
	if p.Reason == nil {
		return string(p.Status)
	}
	return p.Reason.Code + ": " + p.Reason.Detail
}

// Report is what a pacs.002 says of the one transfer of a message.
type Report struct {
	Between
	At time.Time
	Status
	// Original is the message, and the transfer's names in it.
	Original                        iso20022.OriginalGroup
	InstructionID, EndToEndID, TxID string
	UETR                            string
	// Reference is the payment's ID, where there is one.
	Reference string
}

// ReportOn is a report on the transfer of a pacs.008.
func ReportOn(m *iso20022.Pacs008) Report {
	id := m.Transfers[0].ID
	return Report{
		Original:      iso20022.OriginalGroup{MessageID: m.Header.MessageID, MessageName: iso20022.IDPacs008, Created: m.Header.Created},
		InstructionID: id.InstructionID, EndToEndID: id.EndToEndID, TxID: id.TransactionID, UETR: id.UETR,
	}
}

// Pacs002 is the report as a message. Its name follows from what it says, so that saying it again is the same message.
func (r *Report) Pacs002() (*iso20022.Pacs002, error) {
	m := &iso20022.Pacs002{
		MessageID: Name("pacs.002", r.From, r.To, r.Original.MessageName, r.Original.MessageID, r.UETR, r.InstructionID, r.Code), Created: Moment(r.At),
		Transfers: []iso20022.BankState{{
			Original: &r.Original, OriginalInstructionID: r.InstructionID, OriginalEndToEndID: r.EndToEndID, OriginalTransactionID: r.TxID,
			OriginalUETR: r.UETR, Status: r.Code, Reasons: r.Reasons, ServicerRef: r.Reference,
			InstructingAgent: agent(r.From), InstructedAgent: agent(r.To),
		}},
	}
	return m, breach(iso20022.IDPacs002, cbpr.CheckPacs002(m))
}
