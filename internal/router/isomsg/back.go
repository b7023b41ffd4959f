package isomsg

import (
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/money"
)

// Return is what a pacs.004 says: the money of a pacs.008 goes back.
type Return struct {
	Between
	At time.Time
	// ID is the return's name: the payment's ID.
	ID string
	// Of is the message whose money goes back, Amount how much of it.
	Of     *iso20022.Pacs008
	Amount money.Amount
	// Code is an external return reason, Detail says it in words.
	Code, Detail string
}

// Pacs004 is the return as a message. The sender of the return keeps the receiver's account (INGA): it paid out of it, and pays back into it.
func (r *Return) Pacs004() (*iso20022.Pacs004, error) {
	t := &r.Of.Transfers[0]
	m := &iso20022.Pacs004{
		MessageID: Name("pacs.004", r.From, r.To, r.Of.Header.MessageID, t.ID.UETR), Created: Moment(r.At), Count: "1",
		Settlement: iso20022.Settlement{Method: "INGA"},
		Returns: []iso20022.Return{{
			ID:                    r.ID,
			Original:              &iso20022.OriginalGroup{MessageID: r.Of.Header.MessageID, MessageName: iso20022.IDPacs008, Created: r.Of.Header.Created},
			OriginalInstructionID: t.ID.InstructionID, OriginalEndToEndID: t.ID.EndToEndID, OriginalTransactionID: t.ID.TransactionID,
			OriginalUETR: t.ID.UETR, OriginalAmount: t.Amount, OriginalSettlementDate: settlementDate(r.Of),
			Amount: r.Amount, SettlementDate: r.At.UTC().Format(time.DateOnly), ChargeBearer: "SHAR",
			InstructingAgent: agent(r.From), InstructedAgent: agent(r.To),
			Chain: &iso20022.ReturnChain{ // the return goes the other way: who was paid pays
				Debtor: iso20022.PartyOrAgent{Party: &t.Creditor}, DebtorAgent: &t.CreditorAgent,
				CreditorAgent: &t.DebtorAgent, Creditor: iso20022.PartyOrAgent{Party: &t.Debtor},
			},
			Reasons: Reasons(r.Code, r.Detail),
		}},
	}
	return m, breach(iso20022.IDPacs004, cbpr.CheckPacs004(m))
}
