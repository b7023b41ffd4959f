package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/pkg/client"
)

// parts are what a payment's lines are reversed by, in minor units, once so much of its amount has been given back.
type parts struct {
	amount, fee, principal int64 // in the source currency; amount = fee + principal
	mid, spread, received  int64 // in the destination currency; spread without its sign; mid = received ± spread
}

// backed gives back the same share of every line: fee and spread in proportion, rounded down, the rest with the larger lines. It only
// grows with back, and at the whole amount it is every line whole; so refunds, however they are cut, add up to the payment.
func (p *payment) backed(back int64) parts {
	r := p.Route
	share := func(of int64) int64 {
		hi, lo := bits.Mul64(uint64(of), uint64(back))       //nolint:gosec // neither is negative
		q, _ := bits.Div64(hi, lo, uint64(p.Amount.Minor())) //nolint:gosec // back is at most the amount, so that q is at most of
		return int64(q)                                      //nolint:gosec // as above
	}
	out := parts{amount: back, fee: share(r.Fee.Minor())}
	out.principal = back - out.fee
	if r.Spread.IsNegative() {
		out.spread = share(-r.Spread.Minor())
		out.mid = share(r.Received.Minor() + r.Spread.Minor())
		out.received = out.mid + out.spread
	} else {
		out.spread, out.received = share(r.Spread.Minor()), share(r.Received.Minor())
		out.mid = out.received + out.spread
	}
	return out
}

// less is how much more x is than y.
func (x parts) less(y parts) parts {
	return parts{x.amount - y.amount, x.fee - y.fee, x.principal - y.principal, x.mid - y.mid, x.spread - y.spread, x.received - y.received}
}

func (x parts) of(code string) int64 {
	switch code {
	case "payment":
		return x.amount
	case "fee":
		return x.fee
	case "principal", "obligation":
		return x.principal
	case "fx":
		return x.mid
	case "spread":
		return x.spread
	default:
		return x.received
	}
}

// bookBack reverses the lines of a paid payment by what is given back when its refunds grow from one total to another. Each reversal
// points at its line; the obligation's counts in the window now open. name keeps the lines of several refunds apart.
func bookBack(p *payment, name string, from, to int64, window string) (entries, error) {
	paid, err := bookPaid(p, p.Window)
	if err != nil {
		return entries{}, err
	}
	by := p.backed(to).less(p.backed(from))
	var b entries
	for i := len(paid.transfers) - 1; i >= 0; i-- {
		t := paid.transfers[i]
		minor := by.of(t.Code)
		if minor == 0 {
			continue
		}
		reverse := ledger.Transfer{
			ID: p.line(name + "/" + t.Code + "/" + strconv.Itoa(i)), Kind: ledger.Reverse,
			Amount: money.FromMinor(minor, t.Amount.Currency()), Ref: t.ID, Code: t.Code, Reference: p.ID.String(),
		}
		if t.Window != "" {
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
	by := p.backed(p.refunded()).less(p.backed(from))
	src, dst := p.Amount.Currency(), p.Route.Received.Currency()
	in := func(minor int64, c money.Currency) client.Money { return sum{money.FromMinor(minor, c)}.wire() }
	spread := by.spread
	if p.Route.Spread.IsNegative() {
		spread = -spread
	}
	return client.Refund{
		ID: id.String(), Payment: p.ID.String(), Amount: in(by.amount, src), Fee: in(by.fee, src), Principal: in(by.principal, src),
		Received: in(by.received, dst), Spread: in(spread, dst), Refunded: p.Refunded.wire(), Left: in(p.Amount.Minor()-p.refunded(), src),
		Window: window, Reference: req.Reference, Booked: p.Updated,
	}
}
