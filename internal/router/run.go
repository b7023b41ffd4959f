package router

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/pkg/client"
)

// sweepLimit is how many due payments one look at the ledger takes up.
const sweepLimit = 512

// Run drives payments until ctx ends, and returns when nothing of it runs any more. Payments under way stay in the ledger, for this replica's next
// life or another replica.
func (r *Router) Run(ctx context.Context) error {
	r.mu.Lock()
	if r.running != nil {
		r.mu.Unlock()
		return errors.New("router runs already")
	}
	r.running = ctx
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.running = nil
		r.mu.Unlock()
		r.feed.close() // or streams would hold the server's end up
		r.tasks.Wait()
	}()
	r.tasks.Go(func() { r.deliver(ctx) })
	mine := true
	tick := time.NewTicker(r.pace.Sweep)
	defer tick.Stop()
	for {
		if r.Ready() == nil {
			more, err := r.sweep(ctx, mine)
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				r.log.Error(err, "could not look for due payments")
			case more:
				continue
			default:
				mine = false
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sweep claims due payments and drives them. With mine it also takes up what an earlier life of this replica held: nobody else will
// before the leases run out. It says whether there is more.
func (r *Router) sweep(ctx context.Context, mine bool) (bool, error) {
	before := r.clock()
	if mine {
		before = before.Add(r.pace.Lease)
	}
	due, err := r.ledger.DueRecords(ctx, kindPayment, before, sweepLimit)
	if err != nil {
		return false, err
	}
	conversions, err := r.ledger.DueRecords(ctx, kindConversion, before, sweepLimit)
	if err != nil {
		return false, err
	}
	due = append(due, conversions...)
	var wait sync.WaitGroup
	claimed := 0
	for _, rec := range due {
		p, err := decodePayment(rec)
		if err != nil {
			r.log.Error(err, "payment cannot be read")
			continue
		}
		if !r.claimable(p, rec) {
			continue
		}
		select {
		case r.slots <- struct{}{}:
		default:
			wait.Wait()
			return false, nil // memory is full: what is under way comes first
		}
		claimed++
		wait.Go(func() {
			if !r.claim(ctx, p) {
				r.release()
			}
		})
	}
	wait.Wait()
	return claimed >= sweepLimit, nil
}

// claim writes that the payment is ours, and drives it; false where it is not ours after all, or cannot be driven. The slot that the
// caller took is the payment's then.
func (r *Router) claim(ctx context.Context, p *payment) bool {
	t, q := &task{p: p}, p.clone()
	q.Parked = false
	if err := r.save(ctx, t, q, r.clock().Add(r.pace.Lease)); err != nil {
		if !errors.Is(err, errLost) {
			r.log.Error(err, "payment could not be claimed", "payment", p.ID)
		}
		return false
	}
	r.metrics.claims.Inc()
	return r.launch(t)
}

// claimable says whether a record that looks due is nobody's now.
func (r *Router) claimable(p *payment, rec ledger.Record) bool {
	r.mu.Lock()
	_, driven := r.active[p.ID]
	r.mu.Unlock()
	if driven || !working(p.state) {
		return false
	}
	if !rec.Due.After(r.clock()) {
		return true
	}
	earlier := strings.HasPrefix(p.Holder, r.name+"/") && p.Holder != r.holder
	return earlier && p.state != client.Accepted
}

// launch drives a payment on its own; false where the router does not run, or drives it already. The task then owns a slot.
func (r *Router) launch(t *task) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx := r.running
	if ctx == nil || ctx.Err() != nil {
		return false
	}
	if _, ok := r.active[t.p.ID]; ok {
		return false
	}
	id := t.p.ID
	t.nudged = make(chan struct{}, 1)
	r.active[id] = t
	r.metrics.inFlight.Inc()
	r.work(ctx, func() {
		defer func() {
			r.mu.Lock()
			delete(r.active, id)
			r.mu.Unlock()
			r.metrics.inFlight.Dec()
			r.release()
			if t.wasNudged() && ctx.Err() == nil { // it went back to the ledger at that very moment
				if err := r.look(ctx, id, 0); err != nil {
					r.log.Error(err, "notification is lost; the payment is looked at when it is due", "payment", id)
				}
			}
		}()
		r.drive(ctx, t)
	})
	return true
}
