package isomsg

import (
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
)

// Resolution is what a camt.029 answers to a request for cancellation.
type Resolution struct {
	At time.Time
	// Confirmation: CNCL (cancelled as asked), PDCR (pending), RJCR (refused); with a reason where it is not CNCL.
	Confirmation string
	Code, Detail string
}

var individual = map[string]string{"CNCL": "ACCR", "PDCR": "PDCR", "RJCR": "RJCR"}

// Camt029 is the resolution as a message to who asked.
func (r *Resolution) Camt029(asked *iso20022.Camt056) (*iso20022.Camt029, error) {
	t := &asked.Underlying[0].Transfers[0]
	state := iso20022.CancellationState{
		ID: t.ID, ResolvedCase: t.Case, Original: t.Original, OriginalInstructionID: t.OriginalInstructionID, OriginalEndToEndID: t.OriginalEndToEndID,
		OriginalTransactionID: t.OriginalTransactionID, OriginalUETR: t.OriginalUETR, Status: individual[r.Confirmation],
		OriginalAmount: t.OriginalAmount, OriginalSettlementDate: t.OriginalSettlementDate,
	}
	if r.Code != "" {
		state.Reasons = Reasons(r.Code, r.Detail)
	}
	m := &iso20022.Camt029{
		Assignment: iso20022.Assignment{
			ID:       Name("camt.029", BIC(asked.Assignment.Assigner.Agent), asked.Assignment.ID, t.OriginalUETR, r.Confirmation),
			Assigner: asked.Assignment.Assignee, Assignee: asked.Assignment.Assigner, Created: Moment(r.At),
		},
		Confirmation: r.Confirmation,
		Details:      []iso20022.Cancelled{{Transfers: []iso20022.CancellationState{state}}},
	}
	if t.Case == nil {
		m.ResolvedCase = asked.Case
	}
	return m, breach(iso20022.IDCamt029, cbpr.CheckCamt029(m))
}
