package router

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"qiantang.dev/rails/internal/ledger"
)

// Bounds of one webhook's deliveries on one replica.
const (
	hookBatch = 64 // looked up at once
	hookLanes = 16 // under way at once
	// A webhook that took nothing of a whole batch rests before the next one is tried: a second, doubling to a minute.
	hookRest     = time.Second
	hookMostRest = time.Minute
	// maxHookAnswer is what is read of an answer, so that its connection can be used again; it is not looked at.
	maxHookAnswer = 4 << 10
)

// courier delivers one webhook's events. Only one round of it is under way at a time.
type courier struct {
	busy  atomic.Bool
	rests int
	until time.Time
}

type hookMetrics struct {
	attempts *prometheus.CounterVec
	delay    *prometheus.HistogramVec
}

func newHookMetrics(reg prometheus.Registerer) hookMetrics {
	m := hookMetrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "qiantang", Subsystem: "router", Name: "webhook_attempts_total",
			Help: "Events sent to a webhook, by what came of it: delivered, failed (tried again later), gone, expired."}, []string{"webhook", "result"}),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "qiantang", Subsystem: "router", Name: "webhook_seconds",
			Help: "From an event to its delivery.", Buckets: []float64{.01, .05, .1, .5, 1, 5, 30, 300, 3600, 86400}}, []string{"webhook"}),
	}
	if reg != nil {
		reg.MustRegister(m.attempts, m.delay)
	}
	return m
}

// newHookClient follows no redirect, so that what was declared is what is called, and the signature goes nowhere else.
func newHookClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost, t.MaxConnsPerHost, t.MaxResponseHeaderBytes = hookLanes, 4*hookLanes, 64<<10
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// deliver sends what webhooks are still owed until ctx ends.
func (r *Router) deliver(ctx context.Context) {
	var rounds sync.WaitGroup
	defer func() {
		rounds.Wait()
		r.hookClient.CloseIdleConnections()
	}()
	couriers := map[string]*courier{}
	tick := time.NewTicker(r.pace.Sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.poked:
		}
		s := r.snap.Load()
		if s == nil {
			continue
		}
		for _, h := range s.hooks {
			c := couriers[h.Name]
			if c == nil {
				c = &courier{}
				couriers[h.Name] = c
			}
			if h.unsigned != nil || !c.busy.CompareAndSwap(false, true) {
				continue
			}
			rounds.Go(func() {
				more := r.round(ctx, h, c)
				c.busy.Store(false)
				if more {
					r.told()
				}
			})
		}
	}
}

// round sends a batch of what is due; it says whether there may be more.
func (r *Router) round(ctx context.Context, h *hook, c *courier) bool {
	if r.clock().Before(c.until) {
		return false
	}
	due, err := r.ledger.DueRecords(ctx, h.kind(), r.clock(), hookBatch)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Error(err, "could not look for due deliveries", "webhook", h.Name)
		}
		return false
	}
	var wait sync.WaitGroup
	var taken, failed atomic.Int64
	lanes := make(chan struct{}, hookLanes)
	for _, rec := range due {
		lanes <- struct{}{}
		wait.Go(func() {
			defer func() { <-lanes }()
			switch answered, err := r.carry(ctx, h, rec); {
			case ctx.Err() != nil:
			case err != nil:
				r.log.Error(err, "delivery could not be recorded; its lease will run out", "webhook", h.Name, "event", rec.Key)
			case answered:
				taken.Add(1)
			default:
				failed.Add(1)
			}
		})
	}
	wait.Wait()
	if failed.Load() > 0 && taken.Load() == 0 {
		c.until = r.clock().Add(min(hookRest<<min(c.rests, 8), hookMostRest))
		c.rests++
		return false
	}
	c.rests = 0
	return len(due) > 0
}

// carry claims a delivery, sends it, and records what came of it. It says whether the endpoint answered as one that works.
func (r *Router) carry(ctx context.Context, h *hook, rec ledger.Record) (bool, error) {
	var n notice
	if err := json.Unmarshal(rec.Body, &n); err != nil {
		return true, fmt.Errorf("record: %w", err)
	}
	n.Holder, n.Tries = r.holder, n.Tries+1
	claim, err := n.put(h, rec.Key, rec.Version, hookWaiting, r.clock().Add(2*r.pace.HookTimeout+r.pace.Lease))
	if err != nil {
		return true, err
	}
	if _, err := r.ledger.Apply(ctx, ledger.Commit{Puts: []ledger.Put{claim}}); err != nil {
		var clash *ledger.ConflictError
		if errors.As(err, &clash) {
			return true, nil // another replica's
		}
		return true, err
	}
	status, after := r.post(ctx, h, &n)
	select {
	case <-ctx.Done():
		return true, nil // perhaps it arrived; it is sent again when the lease has run out
	default:
	}
	state, result, due := hookWaiting, "failed", time.Time{}
	switch now := r.now(); {
	case status >= 200 && status < 300:
		state, result = hookDelivered, hookDelivered
		r.hookMetrics.delay.WithLabelValues(h.Name).Observe(now.Sub(n.At).Seconds())
	case status == http.StatusGone:
		state, result = hookGone, hookGone
	default:
		due = now.Add(max(r.hookDelay(n.Tries-1), min(after, r.pace.HookMost)))
		if due.After(n.At.Add(r.pace.HookKeep)) {
			state, result, due = hookExpired, hookExpired, time.Time{}
			r.log.Info("an event was never taken", "webhook", h.Name, "event", n.ID, "tries", n.Tries, "last", n.Last)
		}
	}
	r.hookMetrics.attempts.WithLabelValues(h.Name, result).Inc()
	n.Holder = ""
	if state != hookWaiting {
		n.Body = nil
	}
	done, err := n.put(h, rec.Key, rec.Version+1, state, due)
	if err != nil {
		return true, err
	}
	if _, err := r.ledger.Apply(ctx, ledger.Commit{Puts: []ledger.Put{done}}); err != nil {
		return true, err
	}
	return state != hookWaiting && state != hookExpired, nil
}

// post sends an event and gives the answer's status, 0 where there was none, and for how long the endpoint asks to be left alone.
func (r *Router) post(ctx context.Context, h *hook, n *notice) (int, time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, r.pace.HookTimeout)
	defer cancel()
	at := r.clock()
	signature, err := h.sign(n.ID, at, n.Body)
	if err != nil {
		n.Last = "not signed"
		return 0, 0
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(n.Body))
	if err != nil {
		n.Last = "no request"
		return 0, 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Qiantang-Webhooks/1")
	req.Header.Set("Webhook-Id", n.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("Webhook-Signature", signature)
	resp, err := r.hookClient.Do(req)
	if err != nil {
		n.Last = reason(err)
		r.log.V(1).Info("event was not taken", "webhook", h.Name, "event", n.ID, "tries", n.Tries, "why", n.Last)
		return 0, 0
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, maxHookAnswer)
	n.Last = strconv.Itoa(resp.StatusCode)
	var after time.Duration
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 && s < 1<<30 {
		after = time.Duration(s) * time.Second
	}
	return resp.StatusCode, after
}

// reason is what broke, without the address, which http's errors carry.
func reason(err error) string {
	var e *url.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	text := err.Error()
	return text[:min(len(text), 200)]
}

// hookDelay doubles from Hook to HookMost, less up to a quarter so that many do not come at once.
func (r *Router) hookDelay(tries int) time.Duration {
	d := r.pace.Hook << min(tries, 24)
	if d > r.pace.HookMost || d <= 0 {
		d = r.pace.HookMost
	}
	return jitter(d)
}
