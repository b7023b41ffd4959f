package lianlian

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
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

// Adapter is an fx.Provider for LianLian Global.
type Adapter struct {
	name     string
	wire     *wire.Client
	auth     authorizer
	key      *rsa.PrivateKey
	rateType string
	validity time.Duration
	paths    paths
	now      func() time.Time
}

type paths struct{ rate, payout, exchange, tradeFile string }

// Open makes an Adapter. Credentials: developerId, masterToken, privateKey (PEM). Parameters, all optional: auth (Basic or OAuth2),
// tokenPath, rateType, rateValidity (where an answer has no expiry), ratePath, payoutPath, exchangePath, tradeFilePath.
func Open(p plan.Provider, creds map[string][]byte, client *http.Client) (fx.Provider, error) {
	s := fx.NewSecrets(p.Name, creds)
	developer, token := s.Text("developerId"), s.Text("masterToken")
	a := &Adapter{name: p.Name, key: s.PrivateKey("privateKey"), now: time.Now, validity: time.Minute,
		rateType: parameter(p, "rateType", "SPOT"),
		paths: paths{
			rate:      parameter(p, "ratePath", "/rate"),
			payout:    parameter(p, "payoutPath", "/payout"),
			exchange:  parameter(p, "exchangePath", "/exchange"),
			tradeFile: parameter(p, "tradeFilePath", "/tradefile"),
		}}
	if err := s.Err(); err != nil {
		return nil, err
	}
	if v := p.Parameters["rateValidity"]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("provider %s: parameter rateValidity %q: want a duration such as 60s", p.Name, v)
		}
		a.validity = d
	}
	var err error
	basic := base64.StdEncoding.EncodeToString([]byte(developer + ":" + token))
	if a.wire, err = wire.New(p.Name, p.Endpoint, client, token, basic); err != nil {
		return nil, err
	}
	switch mode := parameter(p, "auth", "Basic"); mode {
	case "Basic":
		a.auth = basicAuth("Basic " + basic)
	case "OAuth2":
		a.auth = &oauth{wire: a.wire, basic: "Basic " + basic, path: parameter(p, "tokenPath", "/oauth2/token"), now: time.Now}
	default:
		return nil, fmt.Errorf("provider %s: parameter auth %q: want Basic or OAuth2", p.Name, mode)
	}
	return a, nil
}

func parameter(p plan.Provider, key, otherwise string) string {
	if v := p.Parameters[key]; v != "" {
		return v
	}
	return otherwise
}

// Quote asks /rate/{type}/{source}/{target}. Where the rate's base is the target, its inverse at 12 decimal places counts.
func (a *Adapter) Quote(ctx context.Context, q fx.QuoteRequest) (fx.Quote, error) {
	if same, ok := fx.SameCurrency(a.name, q); ok {
		return same, nil
	}
	from, to := q.Sell.Currency(), q.Buy.Currency()
	call := wire.Call{Op: wire.OpQuote, Method: http.MethodGet,
		Path: a.paths.rate + "/" + a.rateType + "/" + string(from) + "/" + string(to)}
	var answer struct {
		RateID  string    `json:"rateId"`
		Rate    wire.Text `json:"rate"`
		Base    string    `json:"baseCurrency"`
		Expires wire.Text `json:"expireTime"`
	}
	if err := a.send(ctx, call, nil, &answer); err != nil {
		return fx.Quote{}, err
	}
	rate, err := answer.Rate.Rate()
	if err == nil {
		switch money.Currency(answer.Base) {
		case from:
		case to:
			rate, err = rate.Inverse(money.MaxRateScale)
		default:
			err = fmt.Errorf("baseCurrency %q is neither %s nor %s", answer.Base, from, to)
		}
	}
	expires := a.now().Add(a.validity)
	if err == nil && answer.Expires != "" {
		expires, err = answer.Expires.Millis()
	}
	if err == nil && answer.RateID == "" {
		err = errors.New("no rateId")
	}
	if err != nil {
		return fx.Quote{}, a.wire.Fail(call, "malformed", err)
	}
	sell, buy, err := fx.Price(q, rate)
	if err != nil {
		return fx.Quote{}, a.wire.Error(call, fx.Final, "amount", err)
	}
	return fx.Quote{Provider: a.name, ID: answer.RateID, Sell: sell, Buy: buy, Rate: rate, Fee: money.Zero(from),
		Expires: fx.Bound(expires, q.Latest), Guaranteed: true, Reusable: true}, nil
}

// Lock returns the quote: a rateId is firm until it expires.
func (a *Adapter) Lock(_ context.Context, q fx.Quote) (fx.Quote, error) {
	if !q.Expires.IsZero() && !a.now().Before(q.Expires) {
		return fx.Quote{}, a.wire.Error(wire.Call{Op: wire.OpLock}, fx.Retryable, "expired", fmt.Errorf("quote %s expired", q.ID))
	}
	return q, nil
}

// refusal is LianLian's error body.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// send signs and sends a request and reads a successful answer into answer.
func (a *Adapter) send(ctx context.Context, call wire.Call, request, answer any) error {
	if request != nil {
		body, err := wire.Encode(request)
		if err != nil {
			return a.wire.Error(call, fx.Final, "request", err)
		}
		call.Body = body
	}
	authorization, err := a.auth.authorize(ctx)
	if err != nil {
		// Nothing of the call itself was sent.
		return a.wire.Error(call, fx.Retryable, "authorization", err)
	}
	epoch := strconv.FormatInt(a.now().Unix(), 10)
	signature, err := sign(a.key, call.Method+"&"+a.wire.Path(call.Path)+"&"+epoch+"&"+string(call.Body))
	if err != nil {
		return a.wire.Error(call, fx.Final, "signing", err)
	}
	call.Header = http.Header{"Authorization": {authorization}, "Llpay-Signature": {"t=" + epoch + ",v=" + signature}}
	got, err := a.wire.Do(ctx, call)
	if err != nil {
		return err
	}
	if got.Status < 200 || got.Status >= 300 {
		return a.refused(call, got)
	}
	if err := wire.Decode(got.Body, answer); err != nil {
		return a.wire.Fail(call, "malformed", err)
	}
	return nil
}

// The codes that decide what may be done next; their names are our assumption.
const (
	codeNotFound = "NOT_FOUND"
	codeConflict = "DUPLICATE_REQUEST"
)

// refused classifies an answer that is no success. Only a 4xx in LianLian's own words is a refusal.
func (a *Adapter) refused(call wire.Call, got wire.Answer) error {
	status := a.wire.Status(call, got)
	var said refusal
	if err := wire.Decode(got.Body, &said); err != nil || said.Code == "" || got.Status >= 500 || got.Status == http.StatusTooManyRequests {
		return status
	}
	class := fx.Final
	if call.Moves && said.Code == codeConflict {
		class = fx.Uncertain
	}
	return a.wire.Error(call, class, said.Code, fmt.Errorf("provider says %q", said.Message))
}

func sign(key *rsa.PrivateKey, text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	b, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.New("cannot sign the request")
	}
	return base64.StdEncoding.EncodeToString(b), nil
}
