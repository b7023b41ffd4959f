package router

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/pkg/client"
)

// windowTries bounds how often a commit looks for the successor of a window that was closed under it.
const windowTries = 8

// confirm books a paid payment, in the settlement window that is open.
func (r *Router) confirm(ctx context.Context, t *task, s fx.Status) error {
	p := t.p.clone()
	if err := p.adjust(s); err != nil {
		return err
	}
	p.Reason, p.Tries = nil, 0
	return r.inWindow(ctx, p.Schedule, owes(p), func(window string, requires ...ledger.Require) error {
		q := p.clone()
		q.Window = window
		e, err := bookPaid(q, window)
		if err != nil {
			return err
		}
		return r.move(ctx, t, q, Confirm, e, time.Time{}, requires...)
	})
}

// adjust takes over what the provider says that it paid, so that our books and its agree; the spread bears the difference.
func (p *payment) adjust(s fx.Status) error {
	r := p.Route
	if !s.Paid.IsPositive() || s.Paid == r.Received.Amount {
		return nil
	}
	diff, err := r.Received.Sub(s.Paid)
	if err != nil {
		return fmt.Errorf("payment %s: provider %s says it paid %s: %w", p.ID, r.Provider, s.Paid, err)
	}
	spread, err := r.Spread.Add(diff)
	if err != nil {
		return fmt.Errorf("payment %s: provider %s says it paid %s: %w", p.ID, r.Provider, s.Paid, err)
	}
	r.Received, r.Spread = sum{s.Paid}, sum{spread}
	if n := len(r.Legs); n > 0 {
		return r.Legs[n-1].adjust(s.Paid)
	}
	return nil
}

// inWindow runs book with the schedule's open window, again with the next one where that was closed meanwhile.
func (r *Router) inWindow(ctx context.Context, schedule string, needed bool, book func(window string, requires ...ledger.Require) error) error {
	if !needed {
		return book("")
	}
	for try := 0; ; try++ {
		a, err := r.assigner.Assign(ctx, schedule)
		if err != nil {
			return fmt.Errorf("window of schedule %s: %w", schedule, err)
		}
		err = book(a.Window, a.Require)
		var closed *ledger.RequirementError
		if !errors.As(err, &closed) || try >= windowTries {
			return err
		}
		r.assigner.Refresh(ctx, a.Window)
	}
}

// cancel takes back a payment that has not been instructed.
func (r *Router) cancel(ctx context.Context, kind, id, why string) (*payment, error) {
	return r.change(ctx, kind, id, client.Cancelled, func(p *payment) error {
		next := p.clone()
		next.Reason = &client.Reason{Code: string(client.Cancelled), Detail: why}
		return r.once(ctx, p, next, Cancel, bookVoid(next))
	})
}

// giveBack books that the beneficiary's side sent the money of a paid payment back, and keeps what tells of it.
func (r *Router) giveBack(ctx context.Context, id string, why client.Reason, kept ...ledger.Put) (*payment, error) {
	return r.change(ctx, kindPayment, id, client.Returned, func(p *payment) error {
		if _, err := Next(p.state, Return); err != nil {
			return err
		}
		return r.inWindow(ctx, p.Schedule, owes(p), func(window string, requires ...ledger.Require) error {
			next := p.clone()
			next.Reason = &why
			e, err := bookReturn(next, window)
			if err != nil {
				return err
			}
			e.puts = kept
			return r.once(ctx, p, next, Return, e, requires...)
		})
	})
}

// changeTries bounds how often a change looks again after another one came first.
const changeTries = 5

// change applies a client's event to a payment that nobody drives; asked for again it finds it done.
func (r *Router) change(ctx context.Context, kind, id string, done State, f func(*payment) error) (*payment, error) {
	for try := 0; ; try++ {
		p, err := r.read(ctx, kind, id)
		if err != nil || p.state == done {
			return p, err
		}
		if p.state == client.Paid && r.settled(ctx, p.Window) {
			p.state = client.Settled
		}
		err = f(p)
		var clash *ledger.ConflictError
		if err == nil || !errors.As(err, &clash) || try >= changeTries {
			return p, err
		}
	}
}

// once takes a transition without retries; p becomes next where it was booked.
func (r *Router) once(ctx context.Context, p, next *payment, event Event, e entries, requires ...ledger.Require) error {
	t, err := p.next(event)
	if err != nil {
		return err
	}
	next.state, next.Updated, next.Holder = t.To, r.now(), ""
	put, err := next.put(time.Time{})
	if err != nil {
		return err
	}
	puts, err := r.tell(next, string(next.state))
	if err != nil {
		return err
	}
	if err := r.apply(ctx, e, ledger.Commit{Requires: requires, Puts: append(puts, put)}); err != nil {
		return err
	}
	next.version++
	*p = *next
	r.moved(p, t)
	return nil
}

// payment reads a payment's record.
func (r *Router) payment(ctx context.Context, id string) (*payment, error) {
	return r.read(ctx, kindPayment, id)
}

// read reads the record of a payment or a conversion.
func (r *Router) read(ctx context.Context, kind, id string) (*payment, error) {
	rec, err := r.ledger.Record(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	return decodePayment(rec)
}
