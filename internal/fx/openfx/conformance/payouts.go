package conformance

import (
	"context"
	"fmt"
	"net/http"
	"reflect"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/money"
)

func notFound(ctx context.Context, t Target) error { return t.absent(ctx, "payouts", id()) }

// absent checks that an ID was never taken.
func (t Target) absent(ctx context.Context, kind, id string) error {
	e, err := t.send(ctx, request{method: http.MethodGet, path: "/v1/" + kind + "/" + id})
	if err != nil {
		return err
	}
	return e.refused(http.StatusNotFound, "not-found")
}

// firm is a firm quote to sell a small amount.
func (t Target) firm(ctx context.Context) (quoted, error) {
	e, err := t.quote(ctx, map[string]any{"sellAmount": t.amount(12345, t.Sell)})
	if err != nil {
		return quoted{}, fmt.Errorf("%w: %w", errSetup, err)
	}
	q, err := readQuote(e)
	if err != nil {
		return q, fmt.Errorf("%w: %w", errSetup, err)
	}
	if q.firm {
		return q, nil
	}
	e, err = t.send(ctx, request{method: http.MethodPost, path: "/v1/quotes/" + q.id + "/lock",
		body: map[string]any{"sellAmount": q.sell.Decimal(), "buyAmount": q.buy.Decimal()}})
	if err != nil {
		return q, fmt.Errorf("%w: lock: %w", errSetup, err)
	}
	if q, err = readQuote(e); err == nil && !q.firm {
		err = fmt.Errorf("a locked quote is not guaranteed")
	}
	return q, err
}

func payout(q quoted) map[string]any {
	return map[string]any{"quoteId": q.id, "sellCurrency": string(q.sell.Currency()), "sellAmount": q.sell.Decimal(),
		"buyCurrency": string(q.buy.Currency()), "buyAmount": q.buy.Decimal(), "uetr": uuid.NewString(), "purpose": "GDDS",
		"beneficiary": map[string]any{"name": "Conformance Test Co", "country": "CN", "account": "6222020200112233445"}}
}

func (t Target) put(ctx context.Context, kind, id string, body map[string]any) (exchange, error) {
	return t.send(ctx, request{method: http.MethodPut, path: "/v1/" + kind + "/" + id, body: body})
}

// taken checks a status.
func taken(e exchange, id string, buy money.Amount) error {
	if err := e.ok(); err != nil {
		return err
	}
	if got, err := e.text("id"); err != nil || got != id {
		return fmt.Errorf("id %q: want %q", got, id)
	}
	if ref, err := e.text("reference"); err != nil || ref == "" {
		return fmt.Errorf("reference %q: want the provider's own", ref)
	}
	currency, err := e.text("buyCurrency")
	if err != nil {
		return err
	}
	amount, err := e.text("buyAmount")
	if err != nil {
		return err
	}
	if currency != string(buy.Currency()) || amount != buy.Decimal() {
		return fmt.Errorf("pays %s %s, instructed %s", amount, currency, buy)
	}
	switch status, err := e.text("status"); status {
	case "processing", "succeeded", "failed":
		return err
	default:
		return fmt.Errorf("status %q: want processing, succeeded or failed", status)
	}
}

func payOnce(ctx context.Context, t Target) error {
	q, err := t.firm(ctx)
	if err != nil {
		return err
	}
	id := id()
	e, err := t.put(ctx, "payouts", id, payout(q))
	if err != nil {
		return err
	}
	if err := taken(e, id, q.buy); err != nil {
		return err
	}
	if e, err = t.send(ctx, request{method: http.MethodGet, path: "/v1/payouts/" + id}); err != nil {
		return err
	}
	return taken(e, id, q.buy)
}

func payTwice(ctx context.Context, t Target) error     { return t.twice(ctx, "payouts") }
func convertTwice(ctx context.Context, t Target) error { return t.twice(ctx, "conversions") }

func (t Target) twice(ctx context.Context, kind string) error {
	q, err := t.firm(ctx)
	if err != nil {
		return err
	}
	id, body := id(), payout(q)
	if kind == "conversions" {
		delete(body, "beneficiary")
		delete(body, "uetr")
		delete(body, "purpose")
	}
	first, err := t.put(ctx, kind, id, body)
	if err != nil {
		return err
	}
	if err := taken(first, id, q.buy); err != nil {
		return err
	}
	second, err := t.put(ctx, kind, id, body)
	if err != nil {
		return err
	}
	if err := taken(second, id, q.buy); err != nil {
		return err
	}
	if !reflect.DeepEqual(first.body["reference"], second.body["reference"]) {
		return fmt.Errorf("reference %v, then %v: the second was taken as another", first.body["reference"], second.body["reference"])
	}
	return nil
}

func payConflict(ctx context.Context, t Target) error {
	q, err := t.firm(ctx)
	if err != nil {
		return err
	}
	id, body := id(), payout(q)
	e, err := t.put(ctx, "payouts", id, body)
	if err == nil {
		err = e.ok()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errSetup, err)
	}
	body["beneficiary"] = map[string]any{"name": "Somebody Else", "country": "CN", "account": "6222020200119999999"}
	if e, err = t.put(ctx, "payouts", id, body); err != nil {
		return err
	}
	return e.refused(http.StatusConflict, "conflict")
}

// refusedPayout checks that a payout is refused and was not taken.
func (t Target) refusedPayout(ctx context.Context, code string, spoil func(body map[string]any, q quoted)) error {
	q, err := t.firm(ctx)
	if err != nil {
		return err
	}
	id, body := id(), payout(q)
	spoil(body, q)
	e, err := t.put(ctx, "payouts", id, body)
	if err != nil {
		return err
	}
	if err := e.refused(http.StatusUnprocessableEntity, code); err != nil {
		return err
	}
	return t.absent(ctx, "payouts", id)
}

func payWrong(ctx context.Context, t Target) error {
	return t.refusedPayout(ctx, "invalid", func(body map[string]any, q quoted) {
		body["buyAmount"] = money.FromMinor(q.buy.Minor()+1, q.buy.Currency()).Decimal()
	})
}

func payNoQuote(ctx context.Context, t Target) error {
	return t.refusedPayout(ctx, "quote-expired", func(body map[string]any, _ quoted) { body["quoteId"] = "never-issued" })
}

func payNobody(ctx context.Context, t Target) error {
	return t.refusedPayout(ctx, "invalid", func(body map[string]any, _ quoted) { delete(body, "beneficiary") })
}
