package router

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/pkg/client"
)

// returnedBy is which pacs.004 returned a payment.
type returnedBy struct {
	From    string `json:"from"`
	Message string `json:"message"`
	Return  string `json:"return,omitempty"`
}

// takeReturn books that the beneficiary's side sent the money of a payment back, as a pacs.004 says; a pacs.002 says what came of it.
func (x *incoming) takeReturn(ctx context.Context) ([]byte, *client.Problem) {
	m, _, err := iso20022.ReadPacs004(x.m.Document)
	if err != nil {
		return nil, x.unread(err)
	}
	const root = "PmtRtr"
	envelope := cbpr.EnvelopeOfPacs004(m)
	if prob := x.judged(root, cbpr.CheckPacs004(m), envelope); prob != nil {
		return nil, prob
	}
	where := root + "/GrpHdr/InstdAgt/FinInstnId/BICFI"
	if m.InstructedAgent == nil {
		where = root + "/TxInf[1]/InstdAgt/FinInstnId/BICFI"
	}
	to, prob := x.addressed(where, isomsg.BIC(envelope.To))
	if prob != nil {
		return nil, prob
	}
	t := &m.Returns[0]
	report := isomsg.Report{
		Between: isomsg.Between{From: to, To: isomsg.BIC(envelope.From)}, At: x.now(),
		Original:      iso20022.OriginalGroup{MessageID: m.MessageID, MessageName: iso20022.IDPacs004, Created: m.Created},
		InstructionID: t.ID, EndToEndID: t.OriginalEndToEndID, TxID: t.OriginalTransactionID, UETR: t.OriginalUETR,
	}
	p, refused, prob := x.giveBackFor(ctx, m, report.To)
	switch {
	case prob != nil:
		return nil, prob
	case refused != nil:
		report.Status = isomsg.Status{Code: isomsg.Rejected, Reasons: isomsg.Reasons(refused.Code, refused.Detail)}
	default:
		report.Status, report.At, report.Reference = isomsg.Status{Code: "ACCC"}, p.Updated, p.bareID()
	}
	return x.reported(&report)
}

// giveBackFor finds the payment that a pacs.004 means, checks that it is the money of our instruction that comes back, and books it.
func (x *incoming) giveBackFor(ctx context.Context, m *iso20022.Pacs004, from string) (*payment, *isomsg.Refusal, *client.Problem) {
	refuse := func(code, format string, args ...any) (*payment, *isomsg.Refusal, *client.Problem) {
		return nil, &isomsg.Refusal{Code: code, Detail: fmt.Sprintf(format, args...)}, nil
	}
	t := &m.Returns[0]
	p, err := x.meant(ctx, t.OriginalUETR, t.OriginalInstructionID)
	if err != nil {
		return nil, nil, x.classify(err)
	}
	if p == nil {
		return refuse("NARR", "OrgnlUETR %s: no payment of ours", t.OriginalUETR)
	}
	by := returnedBy{From: from, Message: m.MessageID, Return: t.ID}
	switch {
	case p.Route == nil:
		return refuse("NARR", "payment %s is %s: nothing was paid", p.ID, p.state)
	case x.payer(p, from) == "":
		return refuse("AGNT", "InstgAgt %s: not whom we instructed to pay", from)
	case working(p.state):
		// It may be paid already, and we do not know yet.
		if err := x.look(ctx, p.ID, 0); err != nil {
			return nil, nil, unavailable(codeUnavailable, err.Error(), time.Second)
		}
		return nil, nil, unavailable(codeUnavailable, fmt.Sprintf("payment %s is under way: it is being looked at; send the same message again", p.ID), time.Second)
	case p.state == client.Returned:
		return x.returnedAlready(ctx, p, by)
	}
	if refused, err := p.mismatch(t); err != nil || refused != nil {
		if err != nil {
			return nil, nil, x.classify(err)
		}
		return nil, refused, nil
	}
	body, err := json.Marshal(by)
	if err != nil {
		return nil, nil, x.classify(fmt.Errorf("keep pacs.004: %w", err))
	}
	why := client.Reason{Code: t.Reasons[0].Reason.Value(), Detail: strings.Join(t.Reasons[0].Additional, " ")}
	q, err := x.giveBack(ctx, p.ID.String(), why, ledger.Put{Kind: kindReturn, Key: p.ID.String(), State: iso20022.IDPacs004, Group: p.Corridor, Body: body})
	if err != nil {
		prob := x.classify(err)
		if prob.Status == http.StatusConflict && prob.Code() == codeState {
			return refuse("NARR", "payment %s is %s: nothing was paid", p.ID, p.state)
		}
		return nil, nil, prob
	}
	return x.returnedAlready(ctx, q, by) // by this message, or by another one just now
}

// payer is the participant that was instructed to pay, where bic is its BIC.
func (x *incoming) payer(p *payment, bic string) string {
	who := x.s.participant(p.Route.Participant)
	if who == nil || !isomsg.SameBIC(who.BIC, bic) {
		return ""
	}
	return who.Name
}

// returnedAlready says whether it was by this message that a payment was returned.
func (x *incoming) returnedAlready(ctx context.Context, p *payment, by returnedBy) (*payment, *isomsg.Refusal, *client.Problem) {
	var earlier returnedBy
	found, err := x.kept(ctx, kindReturn, p.ID.String(), &earlier)
	switch {
	case err != nil:
		return nil, nil, x.classify(err)
	case found && earlier.Message == by.Message && earlier.Return == by.Return && isomsg.SameBIC(earlier.From, by.From):
		return p, nil, nil
	}
	return nil, &isomsg.Refusal{Code: "AM05", Detail: fmt.Sprintf("payment %s was returned before", p.ID)}, nil
}

// mismatch says what of a return differs from our instruction, or from what is left of it after refunds.
func (p *payment) mismatch(t *iso20022.Return) (*isomsg.Refusal, error) {
	received := p.Route.Received.Amount
	left, err := received.Sub(p.outOf(p.refunded()))
	if err != nil {
		return nil, err
	}
	refuse := func(code, format string, args ...any) (*isomsg.Refusal, error) {
		return &isomsg.Refusal{Code: code, Detail: fmt.Sprintf(format, args...)}, nil
	}
	endToEnd := (&isomsg.Instruction{Payment: p.wire()}).EndToEndID()
	switch {
	case t.OriginalInstructionID != "" && t.OriginalInstructionID != p.instructionID():
		return refuse("NARR", "OrgnlInstrId %s: the payment was instructed as %s", t.OriginalInstructionID, p.instructionID())
	case t.OriginalEndToEndID != endToEnd:
		return refuse("NARR", "OrgnlEndToEndId %s: the payment was instructed with %s", t.OriginalEndToEndID, endToEnd)
	case t.OriginalTransactionID != "" && t.OriginalTransactionID != p.bareID():
		return refuse("NARR", "OrgnlTxId %s: not this payment's", t.OriginalTransactionID)
	case t.OriginalAmount.Currency() != "" && t.OriginalAmount != received:
		return refuse("AM09", "OrgnlIntrBkSttlmAmt %s: %s was instructed", t.OriginalAmount, received)
	case t.Amount.Currency() != received.Currency():
		return refuse("AM03", "RtrdIntrBkSttlmAmt %s: %s was paid", t.Amount, received)
	case t.Amount != left:
		return refuse("AM09", "RtrdIntrBkSttlmAmt %s: %s is left of what was paid", t.Amount, left)
	}
	return nil, nil
}
