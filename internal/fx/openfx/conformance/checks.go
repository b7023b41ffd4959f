package conformance

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/money"
)

// Result is one check's.
type Result struct {
	Name string
	// Err is nil where the server conforms.
	Err error
}

type check struct {
	name string
	run  func(context.Context, Target) error
}

var checks = []check{
	{"a quote's amounts are its rate's, rounded half up", quoteSelling},
	{"a quote for an amount to buy buys at least that", quoteBuying},
	{"a quote expires no later than asked", quoteLatest},
	{"an unknown pair is refused as unsupported-pair", unknownPair},
	{"both or no amounts are invalid", oneAmount},
	{"an amount with too many digits is invalid", tooManyDigits},
	{"an unknown field is invalid", unknownField},
	{"a wrong token is unauthorized", wrongToken},
	{"a wrong signature is unauthorized", wrongSignature},
	{"an old time is unauthorized", oldTime},
	{"what was never sent is not-found", notFound},
	{"a payout is paid what was quoted", payOnce},
	{"the same payout again is the same payout", payTwice},
	{"the same ID with another body is a conflict", payConflict},
	{"a payout a cent off its quote is refused and not taken", payWrong},
	{"a payout on an unknown quote is quote-expired and not taken", payNoQuote},
	{"a payout without a beneficiary is invalid and not taken", payNobody},
	{"many payouts in one request are each taken or refused alone, where that is offered", payMany},
	{"many payouts with one ID twice are invalid and not taken, where that is offered", payManyTwice},
	{"a conversion is idempotent too", convertTwice},
}

// Run makes every check and reports each as it is done.
func Run(ctx context.Context, t Target, report func(Result)) (failed int) {
	for _, c := range checks {
		r := Result{Name: c.name, Err: c.run(ctx, t)}
		if r.Err != nil {
			failed++
		}
		report(r)
	}
	return failed
}

// Names lists the checks.
func Names() []string {
	var out []string
	for _, c := range checks {
		out = append(out, c.name)
	}
	return out
}

// quoted is a quote as read from an answer.
type quoted struct {
	id        string
	sell, buy money.Amount
	rate      money.Rate
	expires   time.Time
	firm      bool
}

func (t Target) quote(ctx context.Context, more map[string]any) (exchange, error) {
	body := map[string]any{"sellCurrency": t.Sell, "buyCurrency": t.Buy, "latest": time.Now().Add(time.Minute).UTC().Format(time.RFC3339)}
	maps.Copy(body, more)
	return t.send(ctx, request{method: http.MethodPost, path: "/v1/quotes", body: body})
}

func readQuote(e exchange) (q quoted, err error) {
	if err := e.ok(); err != nil {
		return q, err
	}
	amount := func(prefix string) (money.Amount, error) {
		currency, err := e.text(prefix + "Currency")
		if err != nil {
			return money.Amount{}, err
		}
		text, err := e.text(prefix + "Amount")
		if err != nil {
			return money.Amount{}, err
		}
		a, err := money.ParseAmount(text, money.Currency(currency))
		if err == nil && a.Decimal() != text {
			err = fmt.Errorf("%sAmount %q: want exactly the currency's decimal places", prefix, text)
		}
		return a, err
	}
	if q.sell, err = amount("sell"); err != nil {
		return q, err
	}
	if q.buy, err = amount("buy"); err != nil {
		return q, err
	}
	text, err := e.text("rate")
	if err != nil {
		return q, err
	}
	if q.rate, err = money.ParseRate(text); err != nil {
		return q, err
	}
	if q.id, err = e.text("quoteId"); err != nil || q.id == "" {
		return q, fmt.Errorf("quoteId %q: %w", q.id, err)
	}
	if _, err = e.text("fee"); err != nil {
		return q, err
	}
	if text, err = e.text("expiresAt"); err != nil {
		return q, err
	}
	if q.expires, err = time.Parse(time.RFC3339, text); err != nil {
		return q, fmt.Errorf("expiresAt: %w", err)
	}
	firm, ok := e.body["guaranteed"].(bool)
	if _, reusable := e.body["reusable"].(bool); !ok || !reusable {
		return q, fmt.Errorf("guaranteed %v and reusable %v: want true or false", e.body["guaranteed"], e.body["reusable"])
	}
	q.firm = firm
	want, err := q.sell.Convert(q.rate, q.buy.Currency(), money.HalfUp)
	if err != nil {
		return q, err
	}
	if want != q.buy {
		return q, fmt.Errorf("%s at %s is %s, not %s", q.sell, q.rate, want, q.buy)
	}
	return q, nil
}

func (t Target) amount(minor int64, c string) string {
	return money.FromMinor(minor, money.Currency(c)).Decimal()
}

func quoteSelling(ctx context.Context, t Target) error {
	for _, minor := range []int64{1, 99, 12345, 100000007} {
		e, err := t.quote(ctx, map[string]any{"sellAmount": t.amount(minor, t.Sell)})
		if err != nil {
			return err
		}
		q, err := readQuote(e)
		if err != nil {
			return err
		}
		if q.sell != money.FromMinor(minor, money.Currency(t.Sell)) || q.buy.Currency() != money.Currency(t.Buy) {
			return fmt.Errorf("quote sells %s for %s", q.sell, q.buy)
		}
	}
	return nil
}

func quoteBuying(ctx context.Context, t Target) error {
	for _, minor := range []int64{7, 100001} {
		e, err := t.quote(ctx, map[string]any{"buyAmount": t.amount(minor, t.Buy)})
		if err != nil {
			return err
		}
		q, err := readQuote(e)
		if err != nil {
			return err
		}
		less, err := money.FromMinor(q.sell.Minor()-1, q.sell.Currency()).Convert(q.rate, q.buy.Currency(), money.HalfUp)
		if err != nil {
			return err
		}
		if q.buy.Minor() < minor || q.sell.Minor() > 1 && less.Minor() >= minor {
			return fmt.Errorf("asked to buy %s: %s for %s is not the least that does", t.amount(minor, t.Buy), q.buy, q.sell)
		}
	}
	return nil
}

func quoteLatest(ctx context.Context, t Target) error {
	latest := time.Now().Add(3 * time.Second).UTC()
	e, err := t.quote(ctx, map[string]any{"sellAmount": t.amount(10000, t.Sell), "latest": latest.Format(time.RFC3339Nano)})
	if err != nil {
		return err
	}
	q, err := readQuote(e)
	if err == nil && q.expires.After(latest) {
		err = fmt.Errorf("expiresAt %s is after latest %s", q.expires, latest)
	}
	return err
}

func unknownPair(ctx context.Context, t Target) error {
	e, err := t.quote(ctx, map[string]any{"sellAmount": t.amount(100, t.Sell), "buyCurrency": "ZZZ"})
	if err != nil {
		return err
	}
	return e.refused(http.StatusUnprocessableEntity, "unsupported-pair")
}

func oneAmount(ctx context.Context, t Target) error {
	for _, more := range []map[string]any{{}, {"sellAmount": t.amount(100, t.Sell), "buyAmount": t.amount(100, t.Buy)}} {
		e, err := t.quote(ctx, more)
		if err != nil {
			return err
		}
		if err := e.refused(http.StatusUnprocessableEntity, "invalid"); err != nil {
			return err
		}
	}
	return nil
}

func (t Target) invalidQuote(ctx context.Context, more map[string]any) error {
	e, err := t.quote(ctx, more)
	if err != nil {
		return err
	}
	return e.refused(http.StatusUnprocessableEntity, "invalid")
}

func tooManyDigits(ctx context.Context, t Target) error {
	text := t.amount(100, t.Sell)
	if !strings.Contains(text, ".") {
		text += "."
	}
	return t.invalidQuote(ctx, map[string]any{"sellAmount": text + "1"})
}

func unknownField(ctx context.Context, t Target) error {
	return t.invalidQuote(ctx, map[string]any{"sellAmount": t.amount(100, t.Sell), "sellamount2": "1"})
}

func (t Target) unauthorized(ctx context.Context, r request) error {
	r.method, r.path = http.MethodGet, "/v1/payouts/"+id()
	e, err := t.send(ctx, r)
	if err != nil {
		return err
	}
	return e.refused(http.StatusUnauthorized, "unauthorized")
}

func wrongToken(ctx context.Context, t Target) error {
	return t.unauthorized(ctx, request{token: "not-the-token"})
}

func wrongSignature(ctx context.Context, t Target) error {
	return t.unauthorized(ctx, request{signature: "v1=" + strings.Repeat("0", 64)})
}

func oldTime(ctx context.Context, t Target) error {
	return t.unauthorized(ctx, request{stamp: strconv.FormatInt(time.Now().Add(-time.Hour).UnixMilli(), 10)})
}

func id() string { return "conformance-" + uuid.NewString() }
