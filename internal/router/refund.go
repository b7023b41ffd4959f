package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/pkg/client"
)

// bookBack reverses the lines of a paid payment by what is given back when its refunds grow from one total to another. Each reversal
// points at its line; the obligation's counts in the window now open. name keeps the lines of several refunds apart.
func bookBack(p *payment, name string, from, to int64, window string) (entries, error) {
	if err := p.addsUp(); err != nil {
		return entries{}, err
	}
	lines := func(back int64) []flow {
		post := flow{name: "post", code: "payment", amount: money.FromMinor(back, p.Amount.Currency())}
		return append([]flow{post}, p.flows(p.backed(back))...)
	}
	given, before := lines(to), lines(from)
	var b entries
	for i := range slices.Backward(given) {
		f := &given[i]
		minor := f.amount.Minor() - before[i].amount.Minor()
		if minor == 0 {
			continue
		}
		reverse := ledger.Transfer{
			ID: p.line(name + "/" + f.name), Kind: ledger.Reverse,
			Amount: money.FromMinor(minor, f.amount.Currency()), Ref: p.line(f.name), Code: f.code, Reference: p.ID.String(),
		}
		if f.owed {
			reverse.Window = window
		}
		b.transfers = append(b.transfers, reverse)
	}
	return b, nil
}

// refunded is how much of the payment was given back so far, in minor units.
func (p *payment) refunded() int64 {
	if p.Refunded.IsZero() {
		return 0
	}
	return p.Refunded.Minor()
}

func (r *Router) registerRefunds(api huma.API) {
	register[client.RefundRequest, client.Refund](api, huma.Operation{
		OperationID: "refund-payment", Method: http.MethodPost, Path: "/v1/payments/{id}/refunds", Tags: []string{"payments"},
		Summary: "Give back part of a paid payment, or what is left of it",
		Description: "Reverses the same share of every booking, fee and spread included, by new ones that point at the old. " +
			"All refunds and a return together never exceed the payment; the refund that completes it makes it returned.",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: maxSmallBody, SkipValidateParams: true, Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"64" doc:"The payment's ID"`
		Key     string `header:"Idempotency-Key" required:"true" doc:"As for payments; refunds' keys are a name space of their own"`
		RawBody []byte `contentType:"application/json"`
	}) (*stored, error) {
		var req client.RefundRequest
		if prob := decodeStrict(in.RawBody, &req); prob != nil {
			return nil, httpError(prob)
		}
		a, prob := r.refund(ctx, in.Key, in.ID, &req)
		return a.output("/v1/payments/", prob)
	})
}

// refunds is the name space of refunds' IDs, which follow from their keys.
var refunds = uuid.MustParse("0c3f2c52-9a86-4d0e-8a0c-7d8f5d1c6b42")

// refund gives back part of a payment. What it refuses is recorded nowhere.
func (r *Router) refund(ctx context.Context, key, id string, req *client.RefundRequest) (answer, *client.Problem) {
	errs := checkKey(key)
	var c checker
	amount, _ := c.amount("amount", req.Amount, "")
	c.text("reference", req.Reference, false, 140)
	if errs = append(errs, c.errs...); errs != nil {
		return answer{}, invalid(errs...)
	}
	hash, err := digest(struct {
		Payment string
		*client.RefundRequest
	}{id, req})
	if err != nil {
		return answer{}, r.classify(err)
	}
	for try := 0; ; try++ {
		if a, found, err := r.replay(ctx, "refund:"+key, hash); err != nil {
			return answer{}, r.classify(err)
		} else if found {
			return a, nil
		}
		a, err := r.refundOnce(ctx, key, id, hash, amount, req)
		var clash *ledger.ConflictError
		if err == nil {
			return a, nil
		}
		if !errors.As(err, &clash) || try >= changeTries {
			return answer{}, r.classify(err)
		}
	}
}

// refundOnce books a refund of the payment as it stands; a ConflictError says that it, or the key, has just been changed.
func (r *Router) refundOnce(ctx context.Context, key, id, hash string, amount money.Amount, req *client.RefundRequest) (answer, error) {
	p, err := r.payment(ctx, id)
	if err != nil {
		return answer{}, err
	}
	state := p.state
	if state == client.Paid && r.settled(ctx, p.Window) {
		state = client.Settled
	}
	step, err := Next(state, Refund)
	if err != nil {
		return answer{}, err
	}
	if amount.Currency() != p.Amount.Currency() {
		return answer{}, invalid(field("body.amount.currency", req.Amount.Currency, "the payment is in %s", string(p.Amount.Currency())))
	}
	from := p.refunded()
	left := p.Amount.Minor() - from
	if amount.Minor() > left {
		return answer{}, invalid(field("body.amount.value", req.Amount.Value, "only %s of the payment is left", money.FromMinor(left, amount.Currency())))
	}
	event := eventRefunded
	if amount.Minor() == left {
		if step, err = Next(state, Return); err != nil {
			return answer{}, err
		}
		event = string(client.Returned)
	}
	refund := uuid.NewSHA1(refunds, []byte(key))
	var a answer
	err = r.inWindow(ctx, p.Schedule, owes(p), func(window string, requires ...ledger.Require) error {
		next := p.clone()
		next.Refunded = sum{money.FromMinor(from+amount.Minor(), amount.Currency())}
		next.Updated = r.now()
		if step.Event == Return {
			next.state, next.Reason = client.Returned, &client.Reason{Code: eventRefunded, Detail: "refunded in full"}
		} // else it stays paid on record: settled is shown, not written
		e, err := bookBack(next, "refund/"+refund.String(), from, next.refunded(), window)
		if err != nil {
			return err
		}
		put, err := next.put(time.Time{})
		if err != nil {
			return err
		}
		puts, err := r.tell(next, event)
		if err != nil {
			return err
		}
		body, err := json.Marshal(refundWire(next, refund, from, window, req))
		if err != nil {
			return fmt.Errorf("refund %s: %w", refund, err)
		}
		a = answer{Hash: hash, Status: http.StatusCreated, Payment: p.ID.String(), Body: body}
		if err := r.apply(ctx, e, ledger.Commit{Requires: requires, Puts: append(puts, a.put("refund:"+key), put)}); err != nil {
			return err
		}
		next.version++
		r.gaveBack(next, step)
		return nil
	})
	return a, err
}

// gaveBack tells of a refund. One that leaves the payment paid is no new payment that was paid.
func (r *Router) gaveBack(p *payment, step Transition) {
	if step.Event == Return {
		r.moved(p, step)
		return
	}
	r.feed.publish(p)
	r.told()
	r.log.V(1).Info("payment refunded in part", "payment", p.ID, "corridor", p.Corridor)
}

func refundWire(p *payment, id uuid.UUID, from int64, window string, req *client.RefundRequest) client.Refund {
	now, before := p.backed(p.refunded()), p.backed(from)
	last := len(now.legs) - 1
	src, dst := p.Amount.Currency(), p.Route.Received.Currency()
	in := func(minor int64, c money.Currency) client.Money { return sum{money.FromMinor(minor, c)}.wire() }
	spread := func(back int64) int64 { // of the whole way
		if s := p.Route.Spread.Minor(); s < 0 {
			return -proportion(-s, back, p.Amount.Minor())
		} else {
			return proportion(s, back, p.Amount.Minor())
		}
	}
	return client.Refund{
		ID: id.String(), Payment: p.ID.String(), Amount: in(now.amount-before.amount, src), Fee: in(now.fee-before.fee, src),
		Principal: in(now.principal-before.principal, src), Received: in(now.legs[last].bought-before.legs[last].bought, dst),
		Spread: in(spread(now.amount)-spread(before.amount), dst), Refunded: p.Refunded.wire(), Left: in(p.Amount.Minor()-p.refunded(), src),
		Window: window, Reference: req.Reference, Booked: p.Updated,
	}
}
