package openfx

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// Adapter is an fx.Provider for Open FX.
type Adapter struct {
	name     string
	wire     *wire.Client
	clientID string
	token    string
	key      []byte
	now      func() time.Time

	payouts gatherer
	// single says that the server takes payouts one by one only.
	single atomic.Bool
}

// Open makes an Adapter. Credentials: clientId, token, signingKey.
func Open(p plan.Provider, creds map[string][]byte, client *http.Client) (fx.Provider, error) {
	s := fx.NewSecrets(p.Name, creds)
	a := &Adapter{name: p.Name, clientID: s.Text("clientId"), token: s.Text("token"), key: []byte(s.Text("signingKey")), now: time.Now}
	if err := s.Err(); err != nil {
		return nil, err
	}
	var err error
	a.payouts.send = a.sendPayouts
	a.wire, err = wire.New(p.Name, p.Endpoint, client, a.token, string(a.key))
	return a, err
}

type quoteRequest struct {
	SellCurrency string `json:"sellCurrency"`
	SellAmount   string `json:"sellAmount,omitempty"`
	BuyCurrency  string `json:"buyCurrency"`
	BuyAmount    string `json:"buyAmount,omitempty"`
	Latest       string `json:"latest"`
}

type quote struct {
	ID           string    `json:"quoteId"`
	SellCurrency string    `json:"sellCurrency"`
	SellAmount   wire.Text `json:"sellAmount"`
	BuyCurrency  string    `json:"buyCurrency"`
	BuyAmount    wire.Text `json:"buyAmount"`
	Rate         wire.Text `json:"rate"`
	Fee          wire.Text `json:"fee"`
	Expires      string    `json:"expiresAt"`
	Guaranteed   bool      `json:"guaranteed"`
	Reusable     bool      `json:"reusable"`
}

// defaultValidity is what a quote is asked to be good for where the caller has no bound.
const defaultValidity = time.Minute

// Quote asks for a price.
func (a *Adapter) Quote(ctx context.Context, q fx.QuoteRequest) (fx.Quote, error) {
	if same, ok := fx.SameCurrency(a.name, q); ok {
		return same, nil
	}
	call := wire.Call{Op: wire.OpQuote, Method: http.MethodPost, Path: "/v1/quotes"}
	latest := q.Latest
	if latest.IsZero() {
		latest = a.now().Add(defaultValidity)
	}
	request := quoteRequest{SellCurrency: string(q.Sell.Currency()), BuyCurrency: string(q.Buy.Currency()),
		Latest: latest.UTC().Format(time.RFC3339Nano)}
	if q.Sell.IsPositive() {
		request.SellAmount = q.Sell.Decimal()
	}
	if q.Buy.IsPositive() {
		request.BuyAmount = q.Buy.Decimal()
	}
	var answer quote
	if err := a.send(ctx, call, request, &answer); err != nil {
		return fx.Quote{}, err
	}
	got, err := a.read(answer, latest)
	if err == nil && (q.Sell.IsPositive() && got.Sell != q.Sell || got.Sell.Currency() != q.Sell.Currency() ||
		got.Buy.Currency() != q.Buy.Currency() || got.Buy.Minor() < q.Buy.Minor()) {
		err = fmt.Errorf("quote sells %s for %s, asked for %s and %s", got.Sell, got.Buy, q.Sell, q.Buy)
	}
	if err != nil {
		return fx.Quote{}, a.wire.Fail(call, "malformed", err)
	}
	return got, nil
}

// read checks a quote: its amounts are its rate's, to the minor unit.
func (a *Adapter) read(q quote, latest time.Time) (fx.Quote, error) {
	sell, err := q.SellAmount.Amount(money.Currency(q.SellCurrency))
	if err != nil {
		return fx.Quote{}, fmt.Errorf("sellAmount: %w", err)
	}
	buy, err := q.BuyAmount.Amount(money.Currency(q.BuyCurrency))
	if err != nil {
		return fx.Quote{}, fmt.Errorf("buyAmount: %w", err)
	}
	fee, err := q.Fee.Amount(sell.Currency())
	if err != nil {
		return fx.Quote{}, fmt.Errorf("fee: %w", err)
	}
	rate, err := q.Rate.Rate()
	if err != nil {
		return fx.Quote{}, err
	}
	want, err := sell.Convert(rate, buy.Currency(), money.HalfUp)
	if err != nil {
		return fx.Quote{}, err
	}
	expires, err := time.Parse(time.RFC3339, q.Expires)
	switch {
	case err != nil:
		return fx.Quote{}, fmt.Errorf("expiresAt %q is not RFC 3339", q.Expires)
	case q.ID == "":
		return fx.Quote{}, errors.New("no quoteId")
	case want != buy:
		return fx.Quote{}, fmt.Errorf("%s at %s is %s, not %s", sell, rate, want, buy)
	}
	return fx.Quote{Provider: a.name, ID: q.ID, Sell: sell, Buy: buy, Rate: rate, Fee: fee, Expires: fx.Bound(expires, latest),
		Guaranteed: q.Guaranteed, Reusable: q.Reusable}, nil
}

// Lock makes an indicative quote firm; firm quotes are returned as they are.
func (a *Adapter) Lock(ctx context.Context, q fx.Quote) (fx.Quote, error) {
	call := wire.Call{Op: wire.OpLock, Method: http.MethodPost, Path: "/v1/quotes/" + url.PathEscape(q.ID) + "/lock"}
	if !q.Expires.IsZero() && !a.now().Before(q.Expires) {
		return fx.Quote{}, a.wire.Error(call, fx.Retryable, "expired", errors.New("the quote expired"))
	}
	if !q.Converts() || q.Guaranteed {
		return q, nil
	}
	var answer quote
	err := a.send(ctx, call, map[string]string{"sellAmount": q.Sell.Decimal(), "buyAmount": q.Buy.Decimal()}, &answer)
	if err != nil {
		return fx.Quote{}, err
	}
	got, err := a.read(answer, q.Expires)
	if err == nil && (got.Sell != q.Sell || got.Buy.Currency() != q.Buy.Currency() || !got.Guaranteed) {
		err = fmt.Errorf("lock of %s for %s answered with %s for %s, guaranteed %t", q.Sell, q.Buy, got.Sell, got.Buy, got.Guaranteed)
	}
	if err != nil {
		return fx.Quote{}, a.wire.Fail(call, "malformed", err)
	}
	return got, nil
}

// problem is an RFC 9457 problem with the contract's code.
type problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// The contract's codes.
const (
	codeNotFound = "not-found"
	codeConflict = "conflict"
)

// send writes, signs and sends a request and reads a successful answer.
func (a *Adapter) send(ctx context.Context, call wire.Call, request, answer any) error {
	if request != nil {
		body, err := wire.Encode(request)
		if err != nil {
			return a.wire.Error(call, fx.Final, "request", err)
		}
		call.Body = body
	}
	return a.exchange(ctx, call, answer)
}

// exchange signs and sends a request whose body is written already.
func (a *Adapter) exchange(ctx context.Context, call wire.Call, answer any) error {
	stamp := strconv.FormatInt(a.now().UnixMilli(), 10)
	digest := sha256.Sum256(call.Body)
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(call.Method + "\n" + a.wire.Path(call.Path) + "\n" + stamp + "\n" + hex.EncodeToString(digest[:])))
	call.Header = http.Header{"Authorization": {"Bearer " + a.token}, "Openfx-Client": {a.clientID}, "Openfx-Timestamp": {stamp},
		"Openfx-Signature": {"v1=" + hex.EncodeToString(mac.Sum(nil))}}
	got, err := a.wire.Do(ctx, call)
	if err != nil {
		return err
	}
	if got.Status == http.StatusOK || got.Status == http.StatusCreated {
		if err := wire.Decode(got.Body, answer); err != nil {
			return a.wire.Fail(call, "malformed", err)
		}
		return nil
	}
	return a.refused(call, got)
}

// refused classifies an answer that is no success. Only a 4xx with a code of the contract is the provider's refusal.
func (a *Adapter) refused(call wire.Call, got wire.Answer) error {
	var said problem
	if err := wire.Decode(got.Body, &said); err != nil {
		said = problem{}
	}
	return a.ruled(call, got.Status, said)
}

// ruled classifies a problem, which says nothing where it has no code.
func (a *Adapter) ruled(call wire.Call, code int, said problem) error {
	status := a.wire.Status(call, wire.Answer{Status: code})
	if status == nil {
		return a.wire.Fail(call, "malformed", fmt.Errorf("HTTP status %d", code))
	}
	if said.Code == "" || code >= 500 || code == http.StatusTooManyRequests {
		return status
	}
	class := fx.Final
	if call.Moves && said.Code == codeConflict {
		class = fx.Uncertain
	}
	return a.wire.Error(call, class, said.Code, fmt.Errorf("provider says %q", said.Detail))
}
