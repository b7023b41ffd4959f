package router

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/pkg/client"
)

// takeInitiation makes the payments of a pain.001 and reports on each.
func (x *incoming) takeInitiation(ctx context.Context) ([]byte, *client.Problem) {
	r, s := x.Router, x.s
	m, info, err := iso20022.ReadPain001(x.m.Document)
	if err != nil {
		return nil, x.unread(err)
	}
	if h := x.m.Header; h != nil && (h.MessageID != m.MessageID || h.Definition != x.m.Definition) {
		return nil, invalid(field("body/AppHdr", h.MessageID+" "+h.Definition, "BizMsgIdr and MsgDefIdr must be the message's: %s %s", m.MessageID, x.m.Definition))
	}
	if len(info.Unread) > 0 {
		r.log.V(1).Info("pain.001 has elements that are not used", "paths", info.Unread)
	}
	out := newReport(m, r.now())
	if code, detail := checkTotals(m); code != "" {
		out.GroupStatus, out.GroupReasons = isomsg.Rejected, isomsg.Reasons(code, detail)
		return x.writeReport(out)
	}
	var (
		wait    sync.WaitGroup
		mu      sync.Mutex
		blocked *client.Problem
		ahead   = make(chan struct{}, batchAhead)
	)
	for i := range m.Payments {
		batch := &m.Payments[i]
		state := iso20022.PaymentState{OriginalID: batch.ID, Transfers: make([]iso20022.TransferState, len(batch.Transfers))}
		out.Payments = append(out.Payments, state)
		for j := range batch.Transfers {
			ahead <- struct{}{}
			wait.Go(func() {
				defer func() { <-ahead }()
				prob := r.transfer(ctx, s, m, batch, &batch.Transfers[j], &state.Transfers[j])
				if prob != nil {
					mu.Lock()
					blocked = prob
					mu.Unlock()
				}
			})
		}
	}
	wait.Wait()
	if blocked != nil {
		return nil, blocked
	}
	concludeReport(out)
	return x.writeReport(out)
}

// transfer makes one payment and writes its state. A problem that it returns says that nothing was decided.
func (r *Router) transfer(ctx context.Context, s *snapshot, m *iso20022.Pain001, batch *iso20022.PaymentInstruction, t *iso20022.CreditTransfer, out *iso20022.TransferState) *client.Problem {
	*out = iso20022.TransferState{
		OriginalInstructionID: t.InstructionID, OriginalEndToEndID: t.EndToEndID, OriginalUETR: t.UETR, OriginalAmount: t.Amount,
	}
	req, code, detail := isoRequest(s, batch, t)
	if code != "" {
		out.Status, out.Reasons = isomsg.Rejected, isomsg.Reasons(code, detail)
		return nil
	}
	res := r.batchResult(ctx, parsed{key: isoKey(m, batch, t), req: req})
	if res.Code == http.StatusCreated {
		var p client.Payment
		if err := json.Unmarshal(res.Payment, &p); err != nil {
			return r.classify(fmt.Errorf("answer to a transfer: %w", err))
		}
		out.Status, out.ServicerRef, out.OriginalUETR = "ACSP", strings.ReplaceAll(p.ID, "-", ""), p.UETR
		out.Accepted = p.Created.Format(time.RFC3339)
		return nil
	}
	prob := new(client.Problem)
	if err := json.Unmarshal(res.Problem, prob); err != nil {
		return r.classify(fmt.Errorf("answer to a transfer: %w", err))
	}
	if prob.Status >= http.StatusInternalServerError {
		return prob
	}
	out.Status, out.Reasons = isomsg.Rejected, isomsg.Reasons(isoCode(prob), prob.Error())
	return nil
}

// isoRequest makes a payment request of a transfer; code is the status reason where that cannot be.
func isoRequest(s *snapshot, batch *iso20022.PaymentInstruction, t *iso20022.CreditTransfer) (req *client.PaymentRequest, code, detail string) {
	if batch.Method != "TRF" {
		return nil, "NARR", fmt.Sprintf("PmtMtd %q: only TRF is taken", batch.Method)
	}
	if t.Creditor == nil || t.CreditorAccount == nil {
		return nil, "BE22", "a creditor with a name and an account is needed"
	}
	amount, want := t.Amount, money.Currency("")
	if amount.Currency() == "" {
		amount, want = t.Equivalent, t.EquivalentIn
	}
	to := isomsg.Party(t.Creditor, t.CreditorAccount, t.CreditorAgent)
	c := s.between(amount.Currency(), to.Country, want)
	if c == nil {
		return nil, "AG01", fmt.Sprintf("no corridor, or more than one, from %s to country %q", amount.Currency(), to.Country)
	}
	if a := t.Creditor.Address; a != nil && len(a.Lines) > 0 && (a.Town == "" || a.Country == "") {
		return nil, "BE04", "the creditor's address is unstructured: TwnNm and Ctry are needed"
	}
	account := batch.DebtorAccount.Number()
	if !strings.HasPrefix(account, "customer:") {
		account = "customer:" + account + ":" + string(amount.Currency())
	}
	req = &client.PaymentRequest{
		Corridor: c.Name, Account: account, Amount: sum{amount}.wire(), Beneficiary: to,
		Purpose: t.Purpose.Value(), Reference: isomsg.Reference(t.Remittance), UETR: t.UETR,
		Metadata: map[string]string{isomsg.EndToEndKey: t.EndToEndID},
	}
	if at, ok := isomsg.Time(batch.Execution); ok {
		req.ExecuteAt = &at
	}
	return req, "", ""
}

// between is the one corridor from a currency to a country, and into want where that is given.
func (s *snapshot) between(from money.Currency, to string, want money.Currency) *plan.Corridor {
	var found *plan.Corridor
	for i := range s.region.Corridors {
		c := &s.region.Corridors[i]
		if c.Conversion || c.SourceCurrency != string(from) || c.DestinationCountry != to || want != "" && c.DestinationCurrency != string(want) {
			continue
		}
		if found != nil {
			return nil
		}
		found = c
	}
	return found
}

// isoKey is a transfer's idempotency key: the message's and the transfer's own names, which their senders keep unique.
func isoKey(m *iso20022.Pain001, batch *iso20022.PaymentInstruction, t *iso20022.CreditTransfer) string {
	names := []string{batch.DebtorAccount.Number(), m.MessageID, batch.ID, t.InstructionID, t.EndToEndID, t.UETR}
	h := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return "pain001-" + hex.EncodeToString(h[:16])
}

func newReport(m *iso20022.Pain001, now time.Time) *iso20022.Pain002 {
	h := sha256.Sum256([]byte("pain.002\x00" + m.MessageID + "\x00" + m.Created))
	return &iso20022.Pain002{
		MessageID: hex.EncodeToString(h[:16]), Created: now.Format("2006-01-02T15:04:05Z"),
		OriginalMessageID: m.MessageID, OriginalMessageName: "pain.001.001.09", OriginalCreated: m.Created,
		OriginalCount: m.Count, OriginalControlSum: m.ControlSum,
	}
}

// concludeReport sums the transfers' states up.
func concludeReport(out *iso20022.Pain002) {
	var all []string
	for i := range out.Payments {
		var states []string
		for _, t := range out.Payments[i].Transfers {
			states = append(states, t.Status)
		}
		out.Payments[i].Status = isoSum(states)
		all = append(all, states...)
	}
	out.GroupStatus = isoSum(all)
	for _, status := range []string{"ACSP", isomsg.Rejected} {
		n := 0
		for _, s := range all {
			if s == status {
				n++
			}
		}
		if n > 0 {
			out.PerStatus = append(out.PerStatus, iso20022.StatusCount{Count: strconv.Itoa(n), Status: status})
		}
	}
}

func isoSum(states []string) string {
	bad := slices.Contains(states, isomsg.Rejected)
	switch good := slices.Contains(states, "ACSP"); {
	case good && bad:
		return "PART"
	case bad:
		return isomsg.Rejected
	default:
		return "ACSP"
	}
}

// writeReport writes a pain.002; its header goes back the way that the pain.001's came.
func (x *incoming) writeReport(out *iso20022.Pain002) ([]byte, *client.Problem) {
	var h *iso20022.Header
	if in := x.m.Header; in != nil {
		h = isomsg.Head(iso20022.IDPain002, out.MessageID, isomsg.Moment(x.now()), "", "", in)
		h.From, h.To, h.Service = in.To, in.From, in.Service
	}
	b, err := isomsg.Seal(h, out)
	if err != nil {
		return nil, x.classify(fmt.Errorf("write pain.002: %w", err))
	}
	return b, nil
}
