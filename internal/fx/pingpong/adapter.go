package pingpong

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// Adapter is an fx.Provider for PingPong.
type Adapter struct {
	name     string
	wire     *wire.Client
	paths    paths
	clientID string
	appID    string
	token    string
	key      []byte
	now      func() time.Time
}

type paths struct{ rate, exchange, exchangeQuery, account, payout, payoutQuery string }

// Open makes an Adapter. Credentials: clientId, appId, token, signingKey. Parameters (all optional): ratePath, exchangePath,
// exchangeQueryPath, accountPath, payoutPath, payoutQueryPath.
func Open(p plan.Provider, creds map[string][]byte, client *http.Client) (fx.Provider, error) {
	s := fx.NewSecrets(p.Name, creds)
	a := &Adapter{name: p.Name, clientID: s.Text("clientId"), appID: s.Text("appId"), token: s.Text("token"),
		key: []byte(s.Text("signingKey")), now: time.Now,
		paths: paths{
			rate:          parameter(p, "ratePath", "/v1/mid-open-api/exchange/rate"),
			exchange:      parameter(p, "exchangePath", "/v1/mid-open-api/exchange/create"),
			exchangeQuery: parameter(p, "exchangeQueryPath", "/v1/mid-open-api/exchange/query"),
			account:       parameter(p, "accountPath", "/v1/mid-open-api/account/query"),
			payout:        parameter(p, "payoutPath", "/v3/b2b/order/fx"),
			payoutQuery:   parameter(p, "payoutQueryPath", "/v3/b2b/order/query"),
		}}
	if err := s.Err(); err != nil {
		return nil, err
	}
	var err error
	a.wire, err = wire.New(p.Name, p.Endpoint, client, a.token, string(a.key))
	return a, err
}

func parameter(p plan.Provider, key, otherwise string) string {
	if v := p.Parameters[key]; v != "" {
		return v
	}
	return otherwise
}

// The codes of PingPong's envelope. That 900002, 953003 and 953004 mean this is our assumption.
const (
	codeOK        = "200"
	codeSystem    = "900000"
	codeParameter = "900002"
	codeRate      = "953003"
	codeNotFound  = "953004"
	codeConflict  = "953005"
)

// Quote asks /exchange/rate, whose answer holds for any amount until it expires.
func (a *Adapter) Quote(ctx context.Context, q fx.QuoteRequest) (fx.Quote, error) {
	if same, ok := fx.SameCurrency(a.name, q); ok {
		return same, nil
	}
	call := wire.Call{Op: wire.OpQuote, Path: a.paths.rate}
	var answer struct {
		RateID  string    `json:"rate_id"`
		Rate    wire.Text `json:"rate"`
		Expires wire.Text `json:"expire_time"`
	}
	err := a.send(ctx, call, map[string]string{
		"client_id": a.clientID, "sell_currency": string(q.Sell.Currency()), "buy_currency": string(q.Buy.Currency()),
	}, &answer)
	if err != nil {
		return fx.Quote{}, err
	}
	rate, err := answer.Rate.Rate()
	if err != nil {
		return fx.Quote{}, a.wire.Fail(call, "malformed", err)
	}
	expires, err := answer.Expires.Millis()
	if err != nil {
		return fx.Quote{}, a.wire.Fail(call, "malformed", err)
	}
	sell, buy, err := fx.Price(q, rate)
	if err != nil {
		return fx.Quote{}, a.wire.Error(call, fx.Final, "amount", err)
	}
	return fx.Quote{Provider: a.name, ID: answer.RateID, Sell: sell, Buy: buy, Rate: rate, Fee: money.Zero(sell.Currency()),
		Expires: fx.Bound(expires, q.Latest), Guaranteed: true, Reusable: true}, nil
}

// Lock returns the quote: a rate_id is firm until it expires.
func (a *Adapter) Lock(_ context.Context, q fx.Quote) (fx.Quote, error) {
	if !q.Expires.IsZero() && !a.now().Before(q.Expires) {
		return fx.Quote{}, a.wire.Error(wire.Call{Op: wire.OpLock}, fx.Retryable, "expired", fmt.Errorf("quote %s expired", q.ID))
	}
	return q, nil
}

// envelope is around every answer.
type envelope struct {
	Code    wire.Text `json:"code"`
	Message string    `json:"message"`
	Data    any       `json:"data"`
}

// send signs and posts a request, and reads the data of a successful answer into data.
func (a *Adapter) send(ctx context.Context, call wire.Call, request, data any) error {
	body, err := wire.Encode(request)
	if err != nil {
		return a.wire.Error(call, fx.Final, "request", err)
	}
	call.Method, call.Body = http.MethodPost, body
	stamp := strconv.FormatInt(a.now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(a.appID + "\n" + stamp + "\nPOST " + a.wire.Path(call.Path) + "\n"))
	mac.Write(body)
	call.Header = http.Header{
		"Authorization": {"Bearer " + a.token},
		"app_id":        {a.appID},
		"timestamp":     {stamp},
		"sign":          {hex.EncodeToString(mac.Sum(nil))},
	}
	answer, err := a.wire.Do(ctx, call)
	if err != nil {
		return err
	}
	env := envelope{Data: data}
	err = wire.Decode(answer.Body, &env)
	if err == nil && env.Code == "" {
		err = errors.New("no code in the answer")
	}
	if err != nil {
		if refused := a.wire.Status(call, answer); refused != nil {
			return refused
		}
		return a.wire.Fail(call, "malformed", err)
	}
	return a.judge(call, answer, env)
}

// judge turns an envelope's code into an error.
func (a *Adapter) judge(call wire.Call, answer wire.Answer, env envelope) error {
	said := fmt.Errorf("provider says %q", env.Message)
	switch code := string(env.Code); code {
	case codeOK:
		if refused := a.wire.Status(call, answer); refused != nil {
			return refused
		}
		return nil
	case codeSystem:
		return a.wire.Fail(call, code, said)
	case codeConflict:
		// The same ID was taken with another body: what became of that must be found out.
		return a.wire.Fail(call, code, said)
	case codeParameter, codeRate, codeNotFound:
		return a.wire.Error(call, fx.Final, code, said)
	default:
		// A code that we do not know is no refusal that money could be risked on.
		if refused := a.wire.Status(call, answer); refused != nil {
			return refused
		}
		return a.wire.Fail(call, code, said)
	}
}
