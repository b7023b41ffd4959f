package router

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/pkg/client"
)

// tally adds up payments, one at a time.
type tally struct {
	payments int64
	states   map[State]int64
	lines    map[lineKey]*line
	rejects  map[rejectKey]*client.SummaryReject
}

type lineKey struct {
	corridor, provider, rail string
	src, dst                 money.Currency
}

type line struct {
	payments, paid                 int64
	amount, fees, received, spread money.Amount
}

type rejectKey struct{ corridor, code string }

func newTally() *tally {
	return &tally{states: map[State]int64{}, lines: map[lineKey]*line{}, rejects: map[rejectKey]*client.SummaryReject{}}
}

func (t *tally) add(p *payment, state State) error {
	t.payments++
	t.states[state]++
	if state == client.Rejected && p.Reason != nil {
		key := rejectKey{p.Corridor, p.Reason.Code}
		reject := t.rejects[key]
		if reject == nil {
			reject = &client.SummaryReject{Corridor: key.corridor, Code: key.code, Example: p.Reason.Detail}
			t.rejects[key] = reject
		}
		reject.Payments++
	}
	if p.Route == nil {
		return nil
	}
	key := lineKey{p.Corridor, p.Route.Provider, p.Route.Rail, p.Amount.Currency(), p.Route.Received.Currency()}
	l := t.lines[key]
	if l == nil {
		l = &line{amount: money.Zero(key.src), fees: money.Zero(key.src), received: money.Zero(key.dst), spread: money.Zero(key.dst)}
		t.lines[key] = l
	}
	l.payments++
	if state != client.Paid && state != client.Settled {
		return nil
	}
	l.paid++
	for _, x := range []struct {
		total *money.Amount
		more  money.Amount
	}{
		{&l.amount, p.Amount.Amount}, {&l.fees, p.Route.Fee.Amount}, {&l.received, p.Route.Received.Amount}, {&l.spread, p.Route.Spread.Amount},
	} {
		total, err := x.total.Add(x.more)
		if err != nil {
			return fmt.Errorf("sum of payment %s: %w", p.ID, err)
		}
		*x.total = total
	}
	return nil
}

// into writes the tally, in a fixed order.
func (t *tally) into(s *client.Summary) {
	s.Payments, s.States = t.payments, t.states
	s.Lines, s.Rejects = []client.SummaryLine{}, []client.SummaryReject{}
	for k, l := range t.lines {
		s.Lines = append(s.Lines, client.SummaryLine{
			Corridor: k.corridor, Provider: k.provider, Rail: k.rail, Payments: l.payments, Paid: l.paid,
			Amount: sum{l.amount}.wire(), Fees: sum{l.fees}.wire(), Received: sum{l.received}.wire(), Spread: sum{l.spread}.wire(),
			SpreadBps: spreadBps(l.spread, l.received),
		})
	}
	for _, x := range t.rejects {
		s.Rejects = append(s.Rejects, *x)
	}
	slices.SortFunc(s.Lines, func(a, b client.SummaryLine) int {
		return cmp.Or(cmp.Compare(a.Corridor, b.Corridor), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Rail, b.Rail))
	})
	slices.SortFunc(s.Rejects, func(a, b client.SummaryReject) int {
		return cmp.Or(cmp.Compare(a.Corridor, b.Corridor), cmp.Compare(a.Code, b.Code))
	})
}

// spreadBps is the spread's share of what would have been received at the reference rates, rounded towards zero.
func spreadBps(spread, received money.Amount) int64 {
	mid, err := received.Add(spread)
	if err != nil || !mid.IsPositive() || spread.Minor() > (1<<63-1)/10000 || spread.Minor() < -(1<<63-1)/10000 {
		return 0
	}
	return spread.Minor() * 10000 / mid.Minor()
}

// summary reads every payment, a page at a time.
func (r *Router) summary(ctx context.Context) (*client.Summary, error) {
	out := &client.Summary{}
	if s := r.snap.Load(); s != nil {
		out.Region, out.Revision = s.region.Name, s.region.Revision
	}
	t := newTally()
	for after := ""; ; {
		recs, err := r.ledger.Records(ctx, ledger.RecordQuery{Kind: kindPayment, After: after, Limit: 1000})
		if err != nil {
			return nil, fmt.Errorf("payments after %q: %w", after, err)
		}
		for _, rec := range recs {
			p, err := decodePayment(rec)
			if err != nil {
				return nil, err
			}
			state := p.state
			if state == client.Paid && r.settled(ctx, p.Window) {
				state = client.Settled
			}
			if err := t.add(p, state); err != nil {
				return nil, err
			}
		}
		if len(recs) < 1000 {
			t.into(out)
			return out, nil
		}
		after = recs[len(recs)-1].Key
	}
}
