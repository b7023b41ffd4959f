package antom

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
	"net/url"
	"strconv"
	"strings"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// Adapter is an fx.Provider for Antom.
type Adapter struct {
	name       string
	wire       *wire.Client
	clientID   string
	keyVersion string
	key        *rsa.PrivateKey
	theirs     *rsa.PublicKey
	skew       time.Duration
	paths      paths
	purposes   map[string]string
	now        func() time.Time
}

type paths struct{ rate, quote, payout, inquire, exchange, inquireExchange string }

// Open makes an Adapter. Credentials: clientId, privateKey and antomPublicKey (PEM). Parameters, all optional: keyVersion (1), sandbox
// (true), maxSkew (5m) of an answer's time, inquireRatePath, createQuotePath, createPayoutPath, inquirePayoutPath, createExchangePath,
// inquireExchangePath, and
// purpose.<ISO code> for a purposeCode.
func Open(p plan.Provider, creds map[string][]byte, client *http.Client) (fx.Provider, error) {
	s := fx.NewSecrets(p.Name, creds)
	api := "/ams/api/v1"
	if p.Parameters["sandbox"] == "true" {
		api = "/ams/sandbox/api/v1"
	}
	a := &Adapter{name: p.Name, clientID: s.Text("clientId"), key: s.PrivateKey("privateKey"), theirs: s.PublicKey("antomPublicKey"),
		keyVersion: parameter(p, "keyVersion", "1"), skew: 5 * time.Minute, now: time.Now,
		purposes: map[string]string{"": "GSD", "GDDS": "GSD", "GDSV": "GSD"},
		paths: paths{
			rate:            parameter(p, "inquireRatePath", api+"/aba/funds/inquireRate"),
			quote:           parameter(p, "createQuotePath", api+"/aba/funds/createQuote"),
			exchange:        parameter(p, "createExchangePath", api+"/aba/funds/createExchange"),
			inquireExchange: parameter(p, "inquireExchangePath", api+"/aba/funds/inquireExchange"),

			payout:  parameter(p, "createPayoutPath", api+"/funds/createPayout"),
			inquire: parameter(p, "inquirePayoutPath", api+"/funds/inquirePayout"),
		}}
	if err := s.Err(); err != nil {
		return nil, err
	}
	for k, v := range p.Parameters {
		if iso, ok := strings.CutPrefix(k, "purpose."); ok {
			a.purposes[iso] = v
		}
	}
	if v := p.Parameters["maxSkew"]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("provider %s: parameter maxSkew %q: want a duration such as 5m", p.Name, v)
		}
		a.skew = d
	}
	var err error
	a.wire, err = wire.New(p.Name, p.Endpoint, client)
	return a, err
}

func parameter(p plan.Provider, key, otherwise string) string {
	if v := p.Parameters[key]; v != "" {
		return v
	}
	return otherwise
}

// amount is Antom's: the value in minor units.
type amount struct {
	Currency string    `json:"currency"`
	Value    wire.Text `json:"value"`
}

func toAmount(a money.Amount) *amount {
	return &amount{Currency: string(a.Currency()), Value: wire.Text(strconv.FormatInt(a.Minor(), 10))}
}

func (a amount) money() (money.Amount, error) {
	c, err := money.ParseCurrency(a.Currency)
	if err != nil {
		return money.Amount{}, err
	}
	v, err := strconv.ParseInt(string(a.Value), 10, 64)
	if err != nil || v < 0 {
		return money.Amount{}, fmt.Errorf("amount value %q: want minor units", string(a.Value))
	}
	return money.FromMinor(v, c), nil
}

// result is in every answer.
type result struct {
	Code    string `json:"resultCode"`
	Status  string `json:"resultStatus"`
	Message string `json:"resultMessage"`
}

// results lets send judge any answer that embeds it.
type results struct {
	Result result `json:"result"`
}

func (r *results) outcome() result { return r.Result }

type resulted interface{ outcome() result }

// The result codes that decide what may be done next.
const (
	codeInProcess = "PAYMENT_IN_PROCESS"
	codeNotExist  = "ORDER_NOT_EXIST"
	codeConflict  = "REPEAT_REQ_INCONSISTENT"
)

// send signs and posts a request, checks the answer's signature and reads it. An answer whose result is U is an error: it may have been done.
func (a *Adapter) send(ctx context.Context, call wire.Call, request any, answer resulted) error {
	body, err := wire.Encode(request)
	if err != nil {
		return a.wire.Error(call, fx.Final, "request", err)
	}
	stamp := strconv.FormatInt(a.now().UnixMilli(), 10)
	path := a.wire.Path(call.Path)
	signature, err := a.sign("POST " + path + "\n" + a.clientID + "." + stamp + "." + string(body))
	if err != nil {
		return a.wire.Error(call, fx.Final, "signing", err)
	}
	call.Method, call.Body = http.MethodPost, body
	call.Header = http.Header{"Client-Id": {a.clientID}, "Request-Time": {stamp}, "Key-Version": {a.keyVersion},
		"Signature": {"algorithm=RSA256,keyVersion=" + a.keyVersion + ",signature=" + url.QueryEscape(signature)}}
	got, err := a.wire.Do(ctx, call)
	if err != nil {
		return err
	}
	if refused := a.wire.Status(call, got); refused != nil {
		// Not signed, so not their word.
		return refused
	}
	if err := a.verify(path, got); err != nil {
		return a.wire.Fail(call, "signature", err)
	}
	if err := wire.Decode(got.Body, answer); err != nil {
		return a.wire.Fail(call, "malformed", err)
	}
	r := answer.outcome()
	said := fmt.Errorf("provider says %q", r.Message)
	switch {
	case r.Status == "S":
		return nil
	case r.Status == "F" && !(call.Moves && r.Code == codeConflict):
		return a.wire.Error(call, fx.Final, r.Code, said)
	case r.Status == "U", r.Status == "F":
		return a.wire.Fail(call, r.Code, said)
	default:
		return a.wire.Fail(call, "malformed", fmt.Errorf("resultStatus %q is not S, F or U", r.Status))
	}
}

func (a *Adapter) sign(text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	b, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.New("cannot sign the request")
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// verify checks that the answer is Antom's, to us, and of now.
func (a *Adapter) verify(path string, got wire.Answer) error {
	stamp := got.Header.Get("Response-Time")
	at, err := wire.Text(stamp).Millis()
	if err != nil {
		return fmt.Errorf("header Response-Time: %w", err)
	}
	if d := a.now().Sub(at); d > a.skew || d < -a.skew {
		return fmt.Errorf("header Response-Time %s is more than %s from now", stamp, a.skew)
	}
	signature := ""
	for part := range strings.SplitSeq(got.Header.Get("Signature"), ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "signature="); ok {
			signature = v
		}
	}
	unescaped, err := url.QueryUnescape(signature)
	if err != nil || signature == "" {
		return errors.New("header Signature has no signature")
	}
	raw, err := base64.StdEncoding.DecodeString(unescaped)
	if err != nil {
		return errors.New("header Signature: signature is not base64")
	}
	sum := sha256.Sum256([]byte("POST " + path + "\n" + a.clientID + "." + stamp + "." + string(got.Body)))
	if rsa.VerifyPKCS1v15(a.theirs, crypto.SHA256, sum[:], raw) != nil {
		return errors.New("the signature is not the provider's of this answer")
	}
	return nil
}
