package conformance

import (
	"context"
	"fmt"
	"net/http"
)

// many sends payouts in one request; false where the server does not offer that.
func (t Target) many(ctx context.Context, ids []string, bodies []map[string]any) (exchange, bool, error) {
	var items []map[string]any
	for i, id := range ids {
		items = append(items, map[string]any{"id": id, "payout": bodies[i]})
	}
	e, err := t.send(ctx, request{method: http.MethodPost, path: "/v1/payouts", body: map[string]any{"payouts": items}})
	if err != nil || e.status != http.StatusNotFound {
		return e, true, err
	}
	return e, false, e.refused(http.StatusNotFound, "not-found")
}

// results are the answers to many payouts as if each had been given alone.
func (e exchange) results(n int) ([]exchange, error) {
	if err := e.ok(); err != nil {
		return nil, err
	}
	list, ok := e.body["results"].([]any)
	if !ok || len(list) != n {
		return nil, fmt.Errorf("results %.200q: want a list of %d", e.raw, n)
	}
	var out []exchange
	for i, x := range list {
		m, ok := x.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("results[%d] is %v: want an object", i, x)
		}
		out = append(out, exchange{status: http.StatusOK, body: m, raw: e.raw})
	}
	return out, nil
}

func payMany(ctx context.Context, t Target) error {
	q, err := t.firm(ctx)
	if err != nil {
		return err
	}
	q2, err := t.firm(ctx)
	if err != nil {
		return err
	}
	good, bad, same := id(), id(), id()
	bodies := []map[string]any{payout(q), payout(q), payout(q2)}
	delete(bodies[1], "beneficiary")
	alone, err := t.put(ctx, "payouts", same, bodies[2])
	if err == nil {
		err = alone.ok()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errSetup, err)
	}
	e, offered, err := t.many(ctx, []string{good, bad, same}, bodies)
	if err != nil || !offered {
		return err
	}
	results, err := e.results(3)
	if err != nil {
		return err
	}
	if err := taken(results[0], good, q.buy); err != nil {
		return fmt.Errorf("results[0]: %w", err)
	}
	problem, ok := results[1].body["problem"].(map[string]any)
	if !ok || problem["code"] != "invalid" || results[1].body["id"] != bad {
		return fmt.Errorf("results[1] is %v: want id %s and a problem with code invalid", results[1].body, bad)
	}
	if err := t.absent(ctx, "payouts", bad); err != nil {
		return err
	}
	if err := taken(results[2], same, q2.buy); err != nil {
		return fmt.Errorf("results[2]: %w", err)
	}
	if results[2].body["reference"] != alone.body["reference"] {
		return fmt.Errorf("reference %v, alone %v: the payout was taken as another", results[2].body["reference"], alone.body["reference"])
	}
	return nil
}

func payManyTwice(ctx context.Context, t Target) error {
	q, err := t.firm(ctx)
	if err != nil {
		return err
	}
	once := id()
	e, offered, err := t.many(ctx, []string{once, once}, []map[string]any{payout(q), payout(q)})
	if err != nil || !offered {
		return err
	}
	if err := e.refused(http.StatusUnprocessableEntity, "invalid"); err != nil {
		return err
	}
	return t.absent(ctx, "payouts", once)
}
