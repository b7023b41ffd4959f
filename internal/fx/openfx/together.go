package openfx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
)

// result is one payout's answer within that of many.
type result struct {
	payout
	Problem *struct {
		problem
		Status int `json:"status"`
	} `json:"problem"`
}

var payMany = wire.Call{Op: wire.OpPay, Moves: true, Method: http.MethodPost, Path: "/v1/payouts"}

// sendPayouts sends payouts that came close together: one alone by PUT, which every server has; more in one request, where the server
// offers that. An ID that is there twice goes alone the second time, as the contract wants.
func (a *Adapter) sendPayouts(ctx context.Context, batch []*pending) {
	alone := batch
	if len(batch) > 1 && !a.single.Load() {
		first, again := distinct(batch)
		alone = append(again, a.sendTogether(ctx, first)...)
	}
	var wait sync.WaitGroup
	for _, p := range alone {
		wait.Go(func() { p.done <- a.payAlone(ctx, p) })
	}
	wait.Wait()
}

// distinct splits a batch into the first payout of each ID, and the rest.
func distinct(batch []*pending) (first, again []*pending) {
	seen := make(map[string]bool, len(batch))
	for _, p := range batch {
		if seen[p.i.ID] {
			again = append(again, p)
			continue
		}
		seen[p.i.ID] = true
		first = append(first, p)
	}
	return first, again
}

func (a *Adapter) payAlone(ctx context.Context, p *pending) outcome {
	call := payMany
	call.Method, call.Path, call.Body = http.MethodPut, payoutPath(p.i.ID), p.body
	var got payout
	if err := a.exchange(ctx, call, &got); err != nil {
		return outcome{err: err}
	}
	s, err := a.status(call, p.i, got)
	return outcome{s, err}
}

// sendTogether answers what it sent, and returns what is to be sent alone: all of it, where the server said by the contract that it has no
// such request and so did nothing.
func (a *Adapter) sendTogether(ctx context.Context, batch []*pending) []*pending {
	call := payMany
	call.Body = together(batch)
	var answer struct {
		Results []result `json:"results"`
	}
	err := a.exchange(ctx, call, &answer)
	if err == nil && len(answer.Results) != len(batch) {
		err = a.wire.Fail(call, "malformed", fmt.Errorf("%d results of %d payouts", len(answer.Results), len(batch)))
	}
	var e *fx.Error
	if errors.As(err, &e) && (e.Code == codeNotFound || e.Code == "http-404" || e.Code == "http-405" || e.Code == "http-501") {
		a.single.Store(true)
		if e.Class == fx.Final {
			return batch
		}
	}
	for i, p := range batch {
		if err != nil {
			p.done <- outcome{err: err}
			continue
		}
		p.done <- a.one(call, p, &answer.Results[i])
	}
	return nil
}

func (a *Adapter) one(call wire.Call, p *pending, r *result) outcome {
	if r.Problem == nil || r.ID != p.i.ID {
		s, err := a.status(call, p.i, r.payout)
		return outcome{s, err}
	}
	return outcome{err: a.ruled(call, r.Problem.Status, r.Problem.problem)}
}

// together writes the body of one request for many payouts, each as it would be sent alone.
func together(batch []*pending) []byte {
	size := 16
	for _, p := range batch {
		size += len(p.body) + len(p.i.ID) + 24
	}
	b := append(make([]byte, 0, size), `{"payouts":[`...)
	for i, p := range batch {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(append(b, `{"id":`...), p.i.ID)
		b = append(append(append(b, `,"payout":`...), p.body...), '}')
	}
	return append(b, "]}"...)
}
