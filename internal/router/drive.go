package router

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/pkg/client"
)

// task is a payment in this replica's memory, which holds one slot.
type task struct {
	p *payment
	// lease is until when the record says that the payment is ours.
	lease time.Time
	// fresh says that this process has made the present instruction durable and has not sent it yet. After a crash nobody knows
	// that, so the provider is asked first.
	fresh bool
	// resend says that the provider never had the instruction: send it again under the same ID.
	resend bool
	// nudged says that there is news of the payment.
	nudged chan struct{}
}

// errLost says that another replica has the payment now, or that this one stops: leave it alone.
var errLost = errors.New("payment is no longer ours")

// maxAttempts bounds failovers of one payment.
const maxAttempts = 12

// drive moves a payment on until it is final, must wait for long, or is no longer ours.
func (r *Router) drive(ctx context.Context, t *task) {
	for {
		wait, err := r.step(ctx, t)
		switch {
		case errors.Is(err, errLost) || ctx.Err() != nil:
			return
		case err != nil:
			r.log.Error(err, "step failed; trying again", "payment", t.p.ID, "corridor", t.p.Corridor, "state", t.p.state)
			wait = r.backoff(t.p)
		case !working(t.p.state):
			return
		}
		if t.wasNudged() {
			continue
		}
		if wait > r.pace.Memory || r.clock().Add(wait).After(t.lease) {
			if err := r.yield(ctx, t, wait); err != nil && !errors.Is(err, errLost) {
				r.log.Error(err, "could not be put back; its lease will run out", "payment", t.p.ID, "corridor", t.p.Corridor, "state", t.p.state)
			}
			return
		}
		if wait > 0 && !t.rest(ctx, wait) {
			return
		}
	}
}

// step does the one thing that the payment's state calls for, and says how long to wait before the next.
func (r *Router) step(ctx context.Context, t *task) (time.Duration, error) {
	if err := r.hold(ctx, t); err != nil {
		return 0, err
	}
	switch {
	case t.p.state == client.Accepted:
		return r.dispatch(ctx, t)
	case t.p.state == client.Exchanged:
		return r.onward(ctx, t)
	case t.p.state == client.Instructing && t.fresh, t.resend:
		return r.pay(ctx, t)
	default:
		return r.query(ctx, t)
	}
}

// hold makes sure that the lease lasts longer than one call to a provider can.
func (r *Router) hold(ctx context.Context, t *task) error {
	if r.clock().Add(r.pace.Lease * 2 / 3).Before(t.lease) {
		return nil
	}
	return r.save(ctx, t, t.p, r.clock().Add(r.pace.Lease))
}

// save writes the payment as it stands, without bookings.
func (r *Router) save(ctx context.Context, t *task, p *payment, due time.Time) error {
	p.Holder, p.Updated = r.holder, r.now()
	put, err := p.put(due)
	if err != nil {
		return err
	}
	if err := r.commit(ctx, entries{}, ledger.Commit{Puts: []ledger.Put{put}}); err != nil {
		return err
	}
	p.version++
	t.p, t.lease = p, due
	return nil
}

// yield gives the payment back to the ledger until it is due.
func (r *Router) yield(ctx context.Context, t *task, wait time.Duration) error {
	p := t.p.clone()
	p.Parked = true
	return r.save(ctx, t, p, r.clock().Add(wait))
}

// commit applies what a payment under way needs, as often as it takes while the ledger is away. Sending the same commit again is safe.
func (r *Router) commit(ctx context.Context, e entries, c ledger.Commit) error {
	for try := 0; ; try++ {
		err := r.apply(ctx, e, c)
		var away *ledger.UnavailableError
		var clash *ledger.ConflictError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &clash) && r.overtaken(ctx, c), ctx.Err() != nil:
			return errLost
		case !errors.As(err, &away):
			return err
		}
		r.metrics.unavailable.Inc()
		if !pause(ctx, r.delay(try)) {
			return errLost
		}
	}
}

// overtaken says whether a commit's payment is no longer at the version that the commit changes: then another replica has it.
func (r *Router) overtaken(ctx context.Context, c ledger.Commit) bool {
	for _, put := range c.Puts {
		if put.Kind != kindPayment && put.Kind != kindConversion {
			continue
		}
		rec, err := r.ledger.Record(ctx, put.Kind, put.Key)
		if err == nil && rec.Version != put.Expect {
			return true
		}
	}
	return false
}

// move takes one transition: the payment's new state, its bookings and its record in one commit.
func (r *Router) move(ctx context.Context, t *task, p *payment, event Event, e entries, due time.Time, requires ...ledger.Require) error {
	next, err := t.p.next(event)
	if err != nil {
		return err
	}
	p.state, p.Updated, p.Holder = next.To, r.now(), r.holder
	if !working(next.To) {
		p.Holder = ""
	}
	put, err := p.put(due)
	if err != nil {
		return err
	}
	puts, err := r.tell(p, string(p.state))
	if err != nil {
		return err
	}
	if err := r.commit(ctx, e, ledger.Commit{Requires: requires, Puts: append(puts, put)}); err != nil {
		return err
	}
	p.version++
	t.p, t.lease = p, due
	r.moved(p, next)
	return nil
}

// moved tells of a transition.
func (r *Router) moved(p *payment, t Transition) {
	r.metrics.transitions.WithLabelValues(p.Corridor, string(t.To)).Inc()
	if t.To == client.Paid || t.To == client.Rejected {
		r.metrics.life.WithLabelValues(string(t.To)).Observe(r.clock().Sub(p.Created).Seconds())
	}
	r.feed.publish(p)
	r.told()
	if log := r.log.V(1); log.Enabled() {
		log.Info("payment moved", "payment", p.ID, "corridor", p.Corridor, "event", string(t.Event), "state", string(t.To), "attempt", p.Attempt)
	}
}

// backoff is how long to wait now, and makes the next wait longer.
func (r *Router) backoff(p *payment) time.Duration {
	p.Tries++
	return r.delay(p.Tries - 1)
}

// closedTries stands for a wait of four times Most: rails stay closed for hours.
const closedTries = 1 << 20

// delay doubles from First to Most, less up to a quarter so that many do not come at once.
func (r *Router) delay(tries int) time.Duration {
	d := r.pace.First << min(tries, 16)
	if d > r.pace.Most || d <= 0 {
		d = r.pace.Most
	}
	if tries >= closedTries {
		d = 4 * r.pace.Most
	}
	return jitter(d)
}

func jitter(d time.Duration) time.Duration { return d - time.Duration(rand.Int64N(int64(d/4)+1)) }

func (r *Router) now() time.Time { return r.clock().UTC().Truncate(time.Microsecond) }

// pause waits, or says that it was told to stop.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
