package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/pkg/client"
)

// recall is the first camt.056 that asked for a payment to be cancelled. While it is on record, no other route is tried for the payment.
type recall struct {
	From string    `json:"from"`
	ID   string    `json:"id"`
	Why  string    `json:"why"`
	At   time.Time `json:"at"`
}

// takeRecall answers a request for cancellation with a camt.029. What has not been instructed is cancelled; what is under way is no
// longer sent another way; what was paid only a pacs.004 brings back.
func (x *incoming) takeRecall(ctx context.Context) ([]byte, *client.Problem) {
	m, _, err := iso20022.ReadCamt056(x.m.Document)
	if err != nil {
		return nil, x.unread(err)
	}
	const root = "FIToFIPmtCxlReq"
	envelope := cbpr.EnvelopeOfCamt056(m)
	if prob := x.judged(root, cbpr.CheckCamt056(m), envelope); prob != nil {
		return nil, prob
	}
	to, prob := x.addressed(root+"/Assgnmt/Assgne/Agt/FinInstnId/BICFI", isomsg.BIC(envelope.To))
	if prob != nil {
		return nil, prob
	}
	from := isomsg.BIC(envelope.From)
	answer, err := x.recallFor(ctx, m, from)
	if err != nil {
		return nil, x.classify(err)
	}
	out, err := answer.Camt029(m)
	if err != nil {
		return nil, x.classify(fmt.Errorf("write camt.029: %w", err))
	}
	return x.sealed(out, iso20022.IDCamt029, out.Assignment.ID, out.Assignment.Created, isomsg.Between{From: to, To: from})
}

// recallFor decides on a request for cancellation.
func (x *incoming) recallFor(ctx context.Context, m *iso20022.Camt056, from string) (*isomsg.Resolution, error) {
	t := &m.Underlying[0].Transfers[0]
	refuse := func(code, format string, args ...any) (*isomsg.Resolution, error) {
		return &isomsg.Resolution{At: x.now(), Confirmation: "RJCR", Code: code, Detail: fmt.Sprintf(format, args...)}, nil
	}
	p, err := x.paymentOf(ctx, t.OriginalUETR)
	if err != nil {
		return nil, err
	}
	mine := false
	if p != nil {
		if mine, err = x.mayRecall(ctx, p, from); err != nil {
			return nil, err
		}
	}
	if !mine {
		return refuse("NOOR", "OrgnlUETR %s: no payment that was accepted from %s", t.OriginalUETR, from)
	}
	if t.OriginalAmount.Currency() != "" && t.OriginalAmount != p.Amount.Amount {
		return refuse("NARR", "OrgnlIntrBkSttlmAmt %s: the payment's is %s", t.OriginalAmount, p.Amount)
	}
	asked, err := x.noteRecall(ctx, p, recall{From: from, ID: m.Assignment.ID, Why: t.Reasons[0].Reason.Value(), At: x.now()})
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		if p.state != client.Accepted {
			return resolution(p, asked), nil
		}
		cancelled, err := x.cancel(ctx, kindPayment, p.ID.String(), fmt.Sprintf("recalled by %s: %s", asked.From, asked.Why))
		var barred *TransitionError
		switch {
		case err == nil:
			return resolution(cancelled, asked), nil
		case !errors.As(err, &barred) || try >= changeTries:
			return nil, err
		}
		if p, err = x.payment(ctx, p.ID.String()); err != nil { // instructed meanwhile
			return nil, err
		}
	}
}

// mayRecall says whether an institution sent the payment, or holds its customer's money.
func (x *incoming) mayRecall(ctx context.Context, p *payment, bic string) (bool, error) {
	who := x.s.institution(bic)
	if who == nil {
		return false, nil
	}
	in, err := x.inboundOf(ctx, p)
	if err != nil {
		return false, err
	}
	if in != nil {
		return in.From == who.Name, nil
	}
	return p.Participant == who.Name, nil
}

// noteRecall puts a request for cancellation on record, unless there is one. What it gives has the time of the first, where it is that one.
func (x *incoming) noteRecall(ctx context.Context, p *payment, asked recall) (recall, error) {
	body, err := json.Marshal(asked)
	if err != nil {
		return recall{}, fmt.Errorf("keep camt.056: %w", err)
	}
	put := ledger.Put{Kind: kindRecall, Key: p.ID.String(), State: "asked", Group: p.Corridor, Body: body}
	_, err = x.ledger.Apply(ctx, ledger.Commit{Puts: []ledger.Put{put}})
	var clash *ledger.ConflictError
	if err == nil || !errors.As(err, &clash) {
		return asked, err
	}
	var first recall
	if _, err := x.kept(ctx, kindRecall, p.ID.String(), &first); err != nil {
		return recall{}, err
	}
	if first.ID == asked.ID && isomsg.SameBIC(first.From, asked.From) {
		return first, nil
	}
	return asked, nil
}

// resolution is what is to be said of a payment that cannot be cancelled any more, or has been.
func resolution(p *payment, asked recall) *isomsg.Resolution {
	out := &isomsg.Resolution{At: asked.At, Confirmation: "RJCR"}
	if p.Updated.After(out.At) {
		out.At = p.Updated
	}
	switch {
	case p.state == client.Cancelled, p.state == client.Rejected && !p.Updated.Before(asked.At):
		out.Confirmation = "CNCL"
	case working(p.state):
		out.Confirmation, out.Code, out.Detail = "PDCR", "PTNA", "the payment is with whom it was instructed to; it is not sent another way. Ask again, or wait for its status"
	case p.state == client.Returned:
		out.Code, out.Detail = "ARDT", "the money came back before"
	case p.state == client.Rejected:
		out.Code, out.Detail = "NARR", "the payment was rejected before: nothing was paid"
	default:
		out.Code, out.Detail = "PTNA", "the payment was paid out. Should the beneficiary's side give the money back, a pacs.004 tells of it"
	}
	return out
}

// recalled refuses another route to a payment that was asked to be cancelled.
func (r *Router) recalled(ctx context.Context, p *payment) (*refusal, error) {
	var asked recall
	found, err := r.kept(ctx, kindRecall, p.ID.String(), &asked)
	if err != nil || !found {
		return nil, err
	}
	return &refusal{client.Reason{Code: codeRecalled, Detail: fmt.Sprintf("recalled by %s: %s", asked.From, asked.Why)}, forever}, nil
}
