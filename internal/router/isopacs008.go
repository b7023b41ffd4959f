package router

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/pkg/client"
)

// pacs008Key begins the idempotency keys of payments that came by a pacs.008.
const pacs008Key = "pacs008-"

// takeTransfer makes a payment of a pacs.008: another institution pays from its account with us. What was decided is told by a pacs.002.
func (x *incoming) takeTransfer(ctx context.Context) ([]byte, *client.Problem) {
	m, info, err := iso20022.ReadPacs008(x.m.Document)
	if err != nil {
		return nil, x.unread(err)
	}
	const root = "FIToFICstmrCdtTrf"
	if prob := x.judged(root, cbpr.CheckPacs008(m), cbpr.EnvelopeOfPacs008(m)); prob != nil {
		return nil, prob
	}
	agents := isomsg.Agents(m)
	where := root + "/GrpHdr/InstdAgt/FinInstnId/BICFI"
	if m.Transfers[0].InstructedAgent != nil {
		where = root + "/CdtTrfTxInf[1]/InstdAgt/FinInstnId/BICFI"
	}
	to, prob := x.addressed(where, agents.To)
	if prob != nil {
		return nil, prob
	}
	if len(info.Unread) > 0 {
		x.log.V(1).Info("pacs.008 has elements that are not used", "paths", info.Unread)
	}
	report := isomsg.ReportOn(m)
	report.Between, report.At = isomsg.Between{From: to, To: agents.From}, x.now()
	if prob := x.payFor(ctx, m, &report); prob != nil {
		return nil, prob
	}
	return x.reported(&report)
}

// payFor makes the payment, or not, and writes into the report what came of it.
func (x *incoming) payFor(ctx context.Context, m *iso20022.Pacs008, report *isomsg.Report) *client.Problem {
	refuse := func(code, format string, args ...any) *client.Problem {
		report.Status = isomsg.Status{Code: isomsg.Rejected, Reasons: isomsg.Reasons(code, fmt.Sprintf(format, args...))}
		return nil
	}
	t := &m.Transfers[0]
	sender := x.s.institution(report.To)
	if sender == nil {
		return refuse("AGNT", "InstgAgt %s is no participant here", report.To)
	}
	currency := t.Amount.Currency()
	req, refused := isomsg.Request(m, "customer:"+sender.Name+":"+string(currency))
	if refused != nil {
		return refuse(refused.Code, "%s", refused.Detail)
	}
	c := x.s.between(currency, req.Beneficiary.Country, "")
	if c == nil {
		return refuse("AG01", "no corridor, or more than one, from %s to country %q", currency, req.Beneficiary.Country)
	}
	req.Corridor = c.Name
	if fee, err := x.s.corridors[c.Name].routes.Fee(t.Amount); err != nil {
		return x.classify(fmt.Errorf("fee of %s in corridor %s: %w", t.Amount, c.Name, err))
	} else if t.ChargeBearer == "DEBT" && !fee.IsZero() {
		return refuse("NARR", "ChrgBr DEBT: corridor %s takes its fee of %s from the amount. Send SHAR or CRED", c.Name, fee)
	}
	key := pacs008Key + isomsg.Name(sender.Name, req.UETR)
	body, err := json.Marshal(inbound{From: sender.Name, BIC: report.To, To: report.From, Document: x.m.Document})
	if err != nil {
		return x.classify(fmt.Errorf("keep pacs.008: %w", err))
	}
	res := x.batchResult(ctx, parsed{key: key, req: req, kept: []ledger.Put{
		{Kind: kindReceived, Key: "payment:" + key, State: iso20022.IDPacs008, Group: c.Name, Body: body},
	}})
	return x.told(res, report)
}

// told writes the answer to a payment's request into the report. A problem says that nothing was decided.
func (x *incoming) told(res result, report *isomsg.Report) *client.Problem {
	if res.Code == http.StatusCreated {
		var p client.Payment
		if err := json.Unmarshal(res.Payment, &p); err != nil {
			return x.classify(fmt.Errorf("answer to a pacs.008: %w", err))
		}
		report.Status, report.At, report.Reference = isomsg.StatusOf(&p), p.Created, strings.ReplaceAll(p.ID, "-", "")
		return nil
	}
	prob := new(client.Problem)
	if err := json.Unmarshal(res.Problem, prob); err != nil {
		return x.classify(fmt.Errorf("answer to a pacs.008: %w", err))
	}
	if prob.Status >= http.StatusInternalServerError || prob.Code() == codeInProgress {
		return prob
	}
	report.Status = isomsg.Status{Code: isomsg.Rejected, Reasons: isomsg.Reasons(isoCode(prob), prob.Error())}
	if id, ok := strings.CutPrefix(prob.Instance, "/v1/payments/"); ok { // on record: since then
		report.At, report.Reference = madeAt(id, report.At), strings.ReplaceAll(id, "-", "")
	}
	return nil
}

// madeAt is when a payment's ID was made.
func madeAt(id string, otherwise time.Time) time.Time {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return otherwise
	}
	return time.Unix(u.Time().UnixTime())
}
