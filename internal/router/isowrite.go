package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/pkg/client"
)

// messageInput selects a message of a payment.
type messageInput struct {
	ID      string `path:"id" maxLength:"64" doc:"The payment's ID"`
	Message string `query:"message" required:"true" enum:"pacs.008,pacs.002,pacs.004" doc:"Which message"`
}

func (r *Router) registerMessages(api huma.API, xml map[string]*huma.MediaType) {
	huma.Register(api, huma.Operation{
		OperationID: "payment-message", Method: http.MethodGet, Path: "/v1/payments/{id}/iso20022", Tags: []string{"payments"},
		Summary: "A payment as an ISO 20022 message between agents",
		Description: "With its header, in an Envelope, under CBPR+. pacs.008: our instruction to the provider's participant. pacs.002, pacs.004: status " +
			"and return, to the institution whose pacs.008 it came by; of other payments, what the provider's participant would tell us.",
		Responses: map[string]*huma.Response{"200": {Description: "The message", Content: xml}},
		Errors:    []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *messageInput) (*stored, error) {
		out, err := r.message(ctx, in.ID, in.Message)
		if err != nil {
			return nil, httpError(r.unwritable(err))
		}
		return &stored{Status: http.StatusOK, ContentType: typeXML, Body: out}, nil
	})
}

// unwritable is the problem of a payment that no message can be written of.
func (r *Router) unwritable(err error) *client.Problem {
	var why *isomsg.UnwritableError
	if errors.As(err, &why) {
		return problem(http.StatusConflict, codeNoMessage, why.Error())
	}
	return r.classify(err)
}

// message writes a payment as one of the messages between agents.
func (r *Router) message(ctx context.Context, id, which string) ([]byte, error) {
	s := r.snap.Load()
	if s == nil {
		return nil, unavailable(codeNotReady, "no plan to serve yet", 0)
	}
	p, err := r.payment(ctx, id)
	if err != nil {
		return nil, err
	}
	in, err := r.inboundOf(ctx, p)
	if err != nil {
		return nil, err
	}
	switch which {
	case "pacs.008":
		m, between, err := r.instructed(ctx, s, p, in)
		if err != nil {
			return nil, err
		}
		return isomsg.Seal(isomsg.Head(iso20022.IDPacs008, m.Header.MessageID, m.Header.Created, between.From, between.To, nil), m)
	case "pacs.002":
		return r.statusMessage(ctx, s, p, in)
	default:
		return r.returnMessage(ctx, s, p, in)
	}
}

// instructed is our instruction as a pacs.008.
func (r *Router) instructed(ctx context.Context, s *snapshot, p *payment, in *inbound) (*iso20022.Pacs008, isomsg.Between, error) {
	w := &isomsg.Instruction{Payment: r.derived(ctx, p), ID: p.instructionID(), IBAN: isIBAN(p.Beneficiary.Account, p.Beneficiary.Country)}
	if in != nil {
		w.Received, w.Sender = in.message, in.BIC
	}
	var prob *client.Problem
	if w.From, prob = s.bic(s.region.Self, "which this institution is"); prob != nil {
		return nil, w.Between, prob
	}
	w.Holder = w.From
	if p.Participant != "" && p.Participant != s.region.Self {
		if w.Holder, prob = s.bic(p.Participant, "which holds the customer's money"); prob != nil {
			return nil, w.Between, prob
		}
	}
	if p.exchanging() || p.state == client.Exchanged {
		return nil, w.Between, problem(http.StatusConflict, codeNoMessage, fmt.Sprintf("payment %s is %s: its money is being exchanged, and nobody was told to pay it out yet", p.ID, p.state))
	}
	if p.Route != nil {
		if w.To, prob = s.bic(p.Route.Participant, "which provider "+p.Route.Provider+" settles as"); prob != nil {
			return nil, w.Between, prob
		}
	}
	m, err := w.Pacs008()
	return m, w.Between, err
}

// leg is the pacs.008 that a status or a return is about, and between whom they go: from us to who sent it; else from whom we instructed,
// to us.
func (r *Router) leg(ctx context.Context, s *snapshot, p *payment, in *inbound) (*iso20022.Pacs008, isomsg.Between, error) {
	if in != nil {
		return in.message, isomsg.Between{From: in.To, To: in.BIC}, nil
	}
	m, b, err := r.instructed(ctx, s, p, nil)
	return m, isomsg.Between{From: b.To, To: b.From}, err
}

func (r *Router) statusMessage(ctx context.Context, s *snapshot, p *payment, in *inbound) ([]byte, error) {
	m, between, err := r.leg(ctx, s, p, in)
	if err != nil {
		return nil, err
	}
	report := isomsg.ReportOn(m)
	report.Between, report.At, report.Status = between, p.Updated, isomsg.StatusOf(r.derived(ctx, p))
	report.Reference = p.bareID()
	out, err := report.Pacs002()
	if err != nil {
		return nil, err
	}
	return isomsg.Seal(isomsg.Head(iso20022.IDPacs002, out.MessageID, out.Created, between.From, between.To, nil), out)
}

func (r *Router) returnMessage(ctx context.Context, s *snapshot, p *payment, in *inbound) ([]byte, error) {
	if p.state != client.Returned {
		return nil, problem(http.StatusConflict, codeNoMessage, fmt.Sprintf("payment %s is %s, not returned", p.ID, p.state))
	}
	m, between, err := r.leg(ctx, s, p, in)
	if err != nil {
		return nil, err
	}
	out, err := (&isomsg.Return{
		Between: between, At: p.Updated, ID: p.bareID(), Of: m, Amount: p.cameBack(in != nil),
		Code: returnCode(p.Reason), Detail: p.Reason.Detail,
	}).Pacs004()
	if err != nil {
		return nil, err
	}
	return isomsg.Seal(isomsg.Head(iso20022.IDPacs004, out.MessageID, out.Created, between.From, between.To, nil), out)
}

// cameBack is what a returned payment's return gave back: all that refunds had left, or all where they left nothing. To the sender it is of
// the amount, fee included; from the provider, of what the beneficiary got.
func (p *payment) cameBack(toSender bool) money.Amount {
	before := p.refunded()
	if before >= p.Amount.Minor() {
		before = 0
	}
	if toSender {
		return money.FromMinor(p.Amount.Minor()-before, p.Amount.Currency())
	}
	return money.FromMinor(p.Route.Received.Minor()-p.outOf(before).Minor(), p.Route.Received.Currency())
}

// outOf is how much of what the beneficiary got goes back with so much of the amount.
func (p *payment) outOf(back int64) money.Amount {
	legs := p.backed(back).legs
	return money.FromMinor(legs[len(legs)-1].bought, p.Route.Received.Currency())
}

// returnCode is an external return reason; the words say what is none.
func returnCode(why *client.Reason) string {
	if len(why.Code) != 4 || strings.ToUpper(why.Code) != why.Code {
		return "NARR"
	}
	return why.Code
}
