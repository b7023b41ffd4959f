package router

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/pkg/client"
)

// dispatch finds a route for an accepted payment whose time has come.
func (r *Router) dispatch(ctx context.Context, t *task) (time.Duration, error) {
	p := t.p
	if p.ExecuteAt != nil {
		if early := p.ExecuteAt.Sub(r.clock()); early > 0 {
			return early, nil
		}
	}
	found, refused, err := r.routeFor(ctx, p, p.Failed)
	switch {
	case err != nil:
		return 0, err
	case refused != nil && (refused.Code != codeNoRoute || r.waited(p) > waitedTooLong):
		return 0, r.reject(ctx, t, refused.Reason)
	case refused != nil:
		p.Reason = &refused.Reason
		// What has been accepted waits also for routes that look gone for good: a plan may be corrected.
		if wait := r.backoff(p); refused.end == later {
			return wait, nil
		}
		return r.delay(closedTries), nil
	}
	return 0, r.instruct(ctx, t, Dispatch, found)
}

func (r *Router) waited(p *payment) time.Duration {
	since := p.Created
	if p.ExecuteAt != nil && p.ExecuteAt.After(since) {
		since = *p.ExecuteAt
	}
	return r.clock().Sub(since)
}

// routeFor chooses among the routes of the plan as it is now.
func (r *Router) routeFor(ctx context.Context, p *payment, excluded []string) (*taken, *refusal, error) {
	s := r.snap.Load()
	c := s.corridors[p.Corridor]
	if !c.serves(p) {
		return nil, notServed(p), nil
	}
	if recalled, err := r.recalled(ctx, p); err != nil || recalled != nil {
		return nil, recalled, err
	}
	return r.choose(ctx, s, c, p, excluded)
}

// serves says whether payments like p are the corridor's. One that was deleted may have been made again for another use.
func (c *corridor) serves(p *payment) bool { return c != nil && c.plan.Conversion == (p.To != "") }

func notServed(p *payment) *refusal {
	return &refusal{client.Reason{Code: codeNoRoute, Detail: "corridor " + p.Corridor + " is not served at the moment"}, later}
}

// instruct makes a new instruction durable, before it is sent.
func (r *Router) instruct(ctx context.Context, t *task, event Event, found *taken) error {
	p := t.p.clone()
	p.Route, p.Leg, p.Attempt, p.Tries, p.ProviderRef, p.Reason = found, 0, p.Attempt+1, 0, "", nil
	if err := r.move(ctx, t, p, event, entries{}, r.clock().Add(r.pace.Lease)); err != nil {
		return err
	}
	t.fresh, t.resend = true, false
	return nil
}

// pay sends the instruction. What it returns in error decides whether another route may be tried.
func (r *Router) pay(ctx context.Context, t *task) (time.Duration, error) {
	p := t.p
	handle := r.provider(p.counterparty())
	if handle == nil {
		// Only sending it could have told; it was not sent by us, but perhaps by the replica before us.
		t.resend = false
		return r.backoff(p), nil
	}
	first := t.fresh && !t.resend
	status, err := r.call(ctx, handle, func(ctx context.Context) (fx.Status, error) {
		t.fresh, t.resend = false, false
		return handle.send(ctx, p)
	})
	if errors.Is(err, errLost) {
		return 0, err
	}
	if err == nil {
		return r.learn(ctx, t, status)
	}
	r.metrics.payErrors.WithLabelValues(p.counterparty(), errorCode(err)).Inc()
	switch class := errorClass(err); {
	case class == fx.Final:
		return 0, r.failed(ctx, t, client.Reason{Code: codeFailed, Detail: fmt.Sprintf("%s: %s", p.counterparty(), errorCode(err))})
	case class == fx.Retryable && first && crowded(err) && p.Tries < crowdedTries:
		t.fresh = true
		return r.backoff(p), nil
	case class == fx.Retryable && first:
		return r.unsent(ctx, t, errorCode(err))
	default:
		return r.doubt(t)
	}
}

// crowdedTries is how often a provider that takes no more at the moment is tried again before another route is.
const crowdedTries = 6

// crowded says that the guard held the call back because of how many there are, not because the provider is ill.
func crowded(err error) bool {
	code := errorCode(err)
	return code == "busy" || code == "rate-limited" || code == "cancelled"
}

// unsent is what follows when nothing reached the provider: another route, or this one later.
func (r *Router) unsent(ctx context.Context, t *task, code string) (time.Duration, error) {
	p := t.p
	if p.exchanged() {
		return r.retreat(ctx, t, client.Reason{Code: codeUnavailable, Detail: fmt.Sprintf("%s: %s; trying again", p.counterparty(), code)}, false)
	}
	found, refused, err := r.routeFor(ctx, p, append(slices.Clone(p.Failed), p.counterparty()))
	if err != nil {
		return 0, err
	}
	if refused == nil && p.Attempt < maxAttempts {
		return 0, r.instruct(ctx, t, Reroute, found)
	}
	next := p.clone()
	next.Reason = &client.Reason{Code: codeUnavailable, Detail: fmt.Sprintf("%s: %s; trying again", p.counterparty(), code)}
	next.Route = nil
	wait := r.backoff(next)
	due := r.clock().Add(max(wait, 0))
	if wait <= r.pace.Memory {
		due = r.clock().Add(r.pace.Lease)
	}
	return wait, r.move(ctx, t, next, Defer, entries{}, due)
}

// query asks what became of the instruction.
func (r *Router) query(ctx context.Context, t *task) (time.Duration, error) {
	p := t.p
	handle := r.provider(p.counterparty())
	if handle == nil {
		r.log.Info("provider is not in the plan; its payments wait for it", "payment", p.ID, "provider", p.counterparty())
		return r.backoff(p), nil
	}
	status, err := r.call(ctx, handle, func(ctx context.Context) (fx.Status, error) { return handle.find(ctx, p) })
	if errors.Is(err, errLost) {
		return 0, err
	}
	if err != nil {
		r.metrics.queryErrors.WithLabelValues(p.counterparty(), errorCode(err)).Inc()
		return r.backoff(p), nil
	}
	return r.learn(ctx, t, status)
}

// call runs one call to a provider in one of its lanes, within its time limit.
func (r *Router) call(ctx context.Context, handle *provider, f func(context.Context) (fx.Status, error)) (fx.Status, error) {
	select {
	case handle.lanes <- struct{}{}:
		defer func() { <-handle.lanes }()
	case <-ctx.Done():
		return fx.Status{}, errLost
	}
	limited, cancel := context.WithTimeout(ctx, executeTimeout(handle))
	defer cancel()
	return f(limited)
}

// learn acts on a provider's word.
func (r *Router) learn(ctx context.Context, t *task, s fx.Status) (time.Duration, error) {
	p := t.p
	if s.ProviderRef != "" {
		p.ProviderRef = s.ProviderRef
	}
	switch s.Outcome {
	case fx.Succeeded:
		if p.exchanging() {
			return 0, r.exchange(ctx, t, s)
		}
		return 0, r.confirm(ctx, t, s)
	case fx.Failed:
		return 0, r.failed(ctx, t, client.Reason{Code: codeFailed, Detail: fmt.Sprintf("%s: %s %s", p.counterparty(), s.Code, s.Message)})
	case fx.Pending:
		if p.state != client.Pending {
			return r.remember(t, Wait)
		}
		return r.backoff(p), nil
	case fx.NotFound:
		if p.state == client.Uncertain {
			if _, err := Next(p.state, Resend); err != nil {
				return 0, err
			}
			r.metrics.resends.WithLabelValues(p.counterparty()).Inc()
			// At once: to wait could mean to give the payment back to the ledger, which does not remember what is to be sent again.
			p.state, t.resend = client.Instructing, true
			return 0, nil
		}
	}
	return r.doubt(t)
}

// doubt says that the instruction may have been taken.
func (r *Router) doubt(t *task) (time.Duration, error) {
	if t.p.state == client.Uncertain {
		return r.backoff(t.p), nil
	}
	return r.remember(t, Doubt)
}

// remember moves the payment in memory only; it is written if this lasts. The record's state permits the same ends.
func (r *Router) remember(t *task, event Event) (time.Duration, error) {
	next, err := Next(t.p.state, event)
	if err != nil {
		return 0, err
	}
	t.p.state = next.To
	r.moved(t.p, next)
	return r.backoff(t.p), nil
}

// failed tries the next route after a definite refusal, or rejects.
func (r *Router) failed(ctx context.Context, t *task, why client.Reason) error {
	if t.p.exchanged() {
		_, err := r.retreat(ctx, t, why, true)
		return err
	}
	p := t.p.clone()
	p.Failed = append(p.Failed, p.counterparty())
	if p.Attempt < maxAttempts {
		found, refused, err := r.routeFor(ctx, p, p.Failed)
		if err != nil {
			return err
		}
		if refused == nil {
			t.p = p
			return r.instruct(ctx, t, Reroute, found)
		}
	}
	t.p = p
	return r.reject(ctx, t, why)
}

// reject gives the reserve back.
func (r *Router) reject(ctx context.Context, t *task, why client.Reason) error {
	p := t.p.clone()
	p.Reason, p.Tries = &why, 0
	return r.move(ctx, t, p, Fail, bookVoid(p), time.Time{})
}
