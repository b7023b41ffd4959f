package router

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/pkg/client"
)

// takeStatus looks at the payment that a pacs.002 tells of. The message itself is never believed: what the provider answers when it is asked
// is what counts, as with providers' own notifications.
func (x *incoming) takeStatus(ctx context.Context) *client.Problem {
	m, _, err := iso20022.ReadPacs002(x.m.Document)
	if err != nil {
		return x.unread(err)
	}
	const root = "FIToFIPmtStsRpt"
	envelope := cbpr.EnvelopeOfPacs002(m)
	if prob := x.judged(root, cbpr.CheckPacs002(m), envelope); prob != nil {
		return prob
	}
	where := root + "/GrpHdr/InstdAgt/FinInstnId/BICFI"
	if m.InstructedAgent == nil {
		where = root + "/TxInfAndSts[1]/InstdAgt/FinInstnId/BICFI"
	}
	if _, prob := x.addressed(where, isomsg.BIC(envelope.To)); prob != nil {
		return prob
	}
	t := &m.Transfers[0]
	p, err := x.meant(ctx, t.OriginalUETR, t.OriginalInstructionID)
	if err != nil {
		return x.classify(err)
	}
	from := isomsg.BIC(envelope.From)
	if p == nil || p.Route == nil || !x.concerned(p, from) {
		return problem(http.StatusNotFound, codeNotFound, fmt.Sprintf("no payment of ours that %s was instructed with has UETR %s", from, t.OriginalUETR),
			field("body/Document/"+root+"/TxInfAndSts[1]/OrgnlUETR", t.OriginalUETR, "not known"))
	}
	x.metrics.notified.WithLabelValues(p.Route.Provider).Inc()
	if err := x.look(ctx, p.ID, 0); err != nil {
		return unavailable(codeUnavailable, "the payment cannot be looked at now: "+err.Error(), time.Second)
	}
	return nil
}

// concerned says whether a BIC is that of whom a payment was instructed to, now or before another route was tried.
func (x *incoming) concerned(p *payment, bic string) bool {
	if x.payer(p, bic) != "" {
		return true
	}
	who := x.s.institution(bic)
	return who != nil && slices.ContainsFunc(p.Failed, func(name string) bool {
		earlier := x.provider(name)
		return earlier != nil && earlier.plan.Participant == who.Name
	})
}
