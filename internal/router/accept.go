package router

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/pkg/client"
)

// answer is what a request is answered with, now and whenever it is sent again.
type answer struct {
	Hash    string          `json:"hash"`
	Status  int             `json:"status"`
	Payment string          `json:"payment,omitempty"`
	Body    json.RawMessage `json:"body"`
	// replayed says that the request had been answered before.
	replayed bool
}

// digest is what two requests must share to count as the same: every field as it was understood, so that blanks and order do not matter.
func digest(v any) (string, error) {
	b, err := json.Marshal(v)
	return digestOf(b, err)
}

func digestOf(b []byte, err error) (string, error) {
	if err != nil {
		return "", fmt.Errorf("digest of the request: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16]), nil
}

// accept takes a payment: it validates, routes, locks and books, and answers once that is durable. What it refuses for good on a valid
// request it records, under the key, like what it accepts. A problem that it returns was recorded nowhere. What stands beside
// the payment is recorded with it, accepted or refused.
func (r *Router) accept(ctx context.Context, key string, req *client.PaymentRequest, beside ...ledger.Put) (answer, *client.Problem) {
	started := r.clock()
	if errs := checkKey(key); errs != nil {
		return answer{}, invalid(errs...)
	}
	hash, err := digestOf(encodeRequest(req))
	if err != nil {
		return answer{}, r.classify(err)
	}
	return r.acceptAs(ctx, "payment:"+key, hash, started, beside, func(ctx context.Context, s *snapshot, recordKey string) (*payment, *corridor, *client.Problem) {
		p, c, prob := r.newPayment(ctx, s, recordKey, req)
		if prob == nil {
			prob = r.claimUETR(ctx, p, req.UETR)
		}
		return p, c, prob
	})
}

// maker makes a payment, not yet durable, of a request, or says everything that is wrong with it.
type maker = func(ctx context.Context, s *snapshot, recordKey string) (*payment, *corridor, *client.Problem)

// acceptAs is accept for any request: made makes the payment, recordKey and hash are what its answer is kept by, with what
// stands beside it.
func (r *Router) acceptAs(ctx context.Context, recordKey, hash string, started time.Time, beside []ledger.Put, made maker) (answer, *client.Problem) {
	a, prob := r.acceptNew(ctx, recordKey, hash, beside, made)
	if prob != nil {
		ctx, cancel := lasting(ctx)
		defer cancel()
		// An earlier request with this key may have been answered otherwise, when the world was another.
		earlier, found, err := r.replay(ctx, recordKey, hash)
		switch {
		case err != nil:
			return answer{}, r.classify(err)
		case found:
			a = earlier
		default:
			r.metrics.refused.WithLabelValues(prob.Code()).Inc()
			return answer{}, prob
		}
	}
	r.metrics.accept.Observe(r.clock().Sub(started).Seconds())
	return a, nil
}

// commitTimeout bounds the commit of an answer.
const commitTimeout = 15 * time.Second

// lasting is ctx without its caller: what is being booked is booked to its end, also when the client has gone, so that it is not left
// for a lease to run out.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
}

func (r *Router) acceptNew(ctx context.Context, recordKey, hash string, beside []ledger.Put, made maker) (answer, *client.Problem) {
	s := r.snap.Load()
	if s == nil {
		return answer{}, unavailable(codeNotReady, "no plan to serve yet", time.Second)
	}
	p, c, prob := made(ctx, s, recordKey)
	if prob != nil {
		return answer{}, prob
	}
	p.kept = beside
	if prob := r.admit(ctx); prob != nil {
		return answer{}, prob
	}
	kept := false
	defer func() {
		if !kept {
			r.release()
		}
	}()
	event, due := Accept, p.Created.Add(r.pace.Lease)
	if p.ExecuteAt != nil && p.ExecuteAt.After(p.Created) {
		event, due = Hold, *p.ExecuteAt
	} else {
		t, refused, err := r.choose(ctx, s, c, p, nil)
		switch {
		case err != nil:
			return answer{}, r.classify(err)
		case refused != nil && refused.end == later:
			return answer{}, unavailable(codeNoRoute, refused.Detail, time.Second)
		case refused != nil && refused.end == closed:
			event, due, p.Reason = Hold, p.Created.Add(r.pace.Memory), &refused.Reason
		case refused != nil:
			return r.refuse(ctx, p, recordKey, hash, refused.Reason)
		default:
			p.Route, p.Attempt, p.Holder = t, 1, r.holder
		}
	}
	ctx, cancel := lasting(ctx)
	defer cancel()
	a, err := r.commitNew(ctx, p, recordKey, hash, event, due)
	var short *ledger.InsufficientError
	if errors.As(err, &short) {
		return r.refuse(ctx, p, recordKey, hash, client.Reason{Code: codeInsufficient,
			Detail: fmt.Sprintf("account %s has less available than %s", p.Account, p.Amount)})
	}
	if err != nil {
		return answer{}, r.classify(err)
	}
	if event == Accept {
		kept = r.launch(&task{p: p, fresh: true, lease: due})
	}
	return a, nil
}

// newPayment makes a payment of a request, or says everything that is wrong with it.
func (r *Router) newPayment(ctx context.Context, s *snapshot, recordKey string, req *client.PaymentRequest) (*payment, *corridor, *client.Problem) {
	c, prob := s.asked(req.Corridor)
	if prob != nil {
		return nil, nil, prob
	}
	if c.plan.Conversion {
		return nil, nil, invalid(field("body.corridor", req.Corridor, "pays nobody: it is for conversions between accounts of one owner, POST /v1/conversions"))
	}
	now := r.now()
	amount, errs := checkPayment(req, c.plan, now)
	if len(errs) > 0 {
		return nil, nil, invalid(errs...)
	}
	if prob := c.taking("payments"); prob != nil {
		return nil, nil, prob
	}
	account, prob := r.customer(ctx, req.Account, "body.account", req.Account, "no such account")
	if prob != nil {
		return nil, nil, prob
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, nil, r.classify(fmt.Errorf("payment id: %w", err))
	}
	uetr := uetrOf(id)
	if req.UETR != "" {
		uetr = uuid.MustParse(req.UETR) // checked above
	}
	return &payment{
		ID: id, UETR: uetr, Key: recordKey, Corridor: c.plan.Name, Generation: c.plan.Generation, Names: namesTogether,
		Account: account.ID, Owner: account.Owner, Participant: account.Participant, Schedule: c.plan.Schedule, Amount: sum{amount},
		Beneficiary: req.Beneficiary, Debtor: req.Debtor, Purpose: req.Purpose, Reference: req.Reference, Metadata: req.Metadata, ExecuteAt: req.ExecuteAt,
		Created: now, Updated: now, state: received,
	}, c, nil
}

// commitNew makes a payment durable together with its reserve and the answer to its key.
func (r *Router) commitNew(ctx context.Context, p *payment, recordKey, hash string, event Event, due time.Time) (answer, error) {
	t, err := Next(p.state, event)
	if err != nil {
		return answer{}, err
	}
	p.state = t.To
	put, err := p.put(due)
	if err != nil {
		return answer{}, err
	}
	body, err := p.encodeAnswer()
	if err != nil {
		return answer{}, fmt.Errorf("payment %s: %w", p.ID, err)
	}
	a := answer{Hash: hash, Status: http.StatusCreated, Payment: p.ID.String(), Body: body}
	puts, err := r.tell(p, string(p.state))
	if err != nil {
		return answer{}, err
	}
	if err := r.apply(ctx, bookReserve(p), ledger.Commit{Puts: append(puts, a.put(recordKey), put)}); err != nil {
		p.state = received
		return answer{}, fmt.Errorf("accept payment %s: %w", p.ID, err)
	}
	p.version, p.kept, p.claims = 1, nil, nil
	r.moved(p, t)
	return a, nil
}

// refuse records a valid request that cannot be, so that its key gets the same answer for ever.
func (r *Router) refuse(ctx context.Context, p *payment, recordKey, hash string, why client.Reason) (answer, *client.Problem) {
	t, err := Next(received, Refuse)
	if err != nil {
		return answer{}, r.classify(err)
	}
	p.state, p.Reason, p.Route, p.Attempt, p.Holder = t.To, &why, nil, 0, ""
	put, err := p.put(time.Time{})
	if err != nil {
		return answer{}, r.classify(err)
	}
	prob := problem(http.StatusUnprocessableEntity, why.Code, why.Detail)
	prob.Instance = "/v1/" + p.kind() + "s/" + p.ID.String()
	body, err := json.Marshal(prob)
	if err != nil {
		return answer{}, r.classify(err)
	}
	a := answer{Hash: hash, Status: prob.Status, Payment: p.ID.String(), Body: body}
	puts, err := r.tell(p, string(p.state))
	if err != nil {
		return answer{}, r.classify(err)
	}
	if _, err := r.ledger.Apply(ctx, ledger.Commit{Puts: append(append(puts, p.kept...), a.put(recordKey), put)}); err != nil {
		return answer{}, r.classify(fmt.Errorf("record refused payment %s: %w", p.ID, err))
	}
	p.version = 1
	r.moved(p, t)
	return a, nil
}

// put is the answer's record. It is written by hand, as encoding/json would write it: to that, the body within would be text to check and
// to compact, after it has just been made.
func (a *answer) put(recordKey string) ledger.Put {
	b := make([]byte, 0, len(a.Body)+128)
	b = append(append(b, `{"hash":"`...), a.Hash...)
	b = strconv.AppendInt(append(b, `","status":`...), int64(a.Status), 10)
	if a.Payment != "" {
		b = append(append(append(b, `,"payment":"`...), a.Payment...), '"')
	}
	b = append(append(append(b, `,"body":`...), a.Body...), '}')
	return ledger.Put{Kind: kindIdempotency, Key: recordKey, State: "answered", Body: b}
}

// replay finds the answer that a key got before. It fails with a conflict where that was to another request.
func (r *Router) replay(ctx context.Context, recordKey, hash string) (answer, bool, error) {
	rec, err := r.ledger.Record(ctx, kindIdempotency, recordKey)
	var missing *ledger.NotFoundError
	if errors.As(err, &missing) {
		return answer{}, false, nil
	}
	if err != nil {
		return answer{}, false, fmt.Errorf("look up %s: %w", recordKey, err)
	}
	var a answer
	if err := json.Unmarshal(rec.Body, &a); err != nil {
		return answer{}, false, fmt.Errorf("answer to %s: %w", recordKey, err)
	}
	if a.Hash != hash {
		return answer{}, false, problem(http.StatusConflict, codeConflict,
			"the Idempotency-Key was used before with another request; use a new key for a new payment",
			field("header.Idempotency-Key", keyOf(recordKey), "used for %s", a.Payment))
	}
	a.replayed = true
	r.metrics.replays.Inc()
	return a, true, nil
}

func keyOf(recordKey string) string {
	for i := range len(recordKey) {
		if recordKey[i] == ':' {
			return recordKey[i+1:]
		}
	}
	return recordKey
}
