package sim

import (
	"crypto"
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

	"qiantang.dev/rails/internal/money"
)

type antomResult struct {
	Code    string `json:"resultCode"`
	Status  string `json:"resultStatus"`
	Message string `json:"resultMessage"`
}

type antomAmount struct {
	Currency string `json:"currency"`
	Value    string `json:"value"`
}

func toAntom(a money.Amount) antomAmount {
	return antomAmount{Currency: string(a.Currency()), Value: strconv.FormatInt(a.Minor(), 10)}
}

func (a *antomAmount) money(field string) (money.Amount, error) {
	if a == nil {
		return money.Amount{}, fmt.Errorf("%s is missing", field)
	}
	c, err := money.ParseCurrency(a.Currency)
	if err != nil {
		return money.Amount{}, fmt.Errorf("%s: %w", field, err)
	}
	v, err := strconv.ParseInt(a.Value, 10, 64)
	if err != nil || v <= 0 || strconv.FormatInt(v, 10) != a.Value {
		return money.Amount{}, fmt.Errorf("%s.value %q: want minor units", field, a.Value)
	}
	return money.FromMinor(v, c), nil
}

func antomReply(code, status, message string, more map[string]any) reply {
	out := map[string]any{"result": antomResult{Code: code, Status: status, Message: message}}
	for k, v := range more {
		out[k] = v
	}
	return jsonReply(http.StatusOK, out)
}

func antomSuccess(more map[string]any) reply { return antomReply("SUCCESS", "S", "success.", more) }

func antomInvalid(err error) reply { return antomReply("PARAM_ILLEGAL", "F", err.Error(), nil) }

func (s *Simulator) antomRoutes(mux *http.ServeMux) {
	p := protocol{name: antom, authenticate: s.antomAuthenticate, seal: s.antomSeal,
		broken: func(*call) reply { return antomReply("UNKNOWN_EXCEPTION", "U", "unknown, inquire later", nil) }}
	for _, api := range []string{"/ams/api/v1", "/ams/sandbox/api/v1"} {
		for path, h := range map[string]func(protocol, *call) reply{
			"/aba/funds/inquireRate":     s.antomRate,
			"/aba/funds/createQuote":     s.antomQuote,
			"/aba/funds/createExchange":  s.antomExchange,
			"/aba/funds/inquireExchange": s.antomInquireExchange,
			"/funds/createPayout":        s.antomPayout,
			"/funds/inquirePayout":       s.antomInquire,
		} {
			mux.HandleFunc("POST /"+antom+api+path, s.serve(p, func(c *call) reply { return h(p, c) }))
		}
	}
}

func (s *Simulator) antomAuthenticate(c *call) *reply {
	fail := func(code, why string) *reply {
		r := antomReply(code, "F", why, nil)
		return &r
	}
	h := c.Header
	if h.Get("Client-Id") != clientAntom {
		return fail("INVALID_CLIENT", "Client-Id is not known")
	}
	millis, err := strconv.ParseInt(h.Get("Request-Time"), 10, 64)
	if err != nil || s.skewed(time.UnixMilli(millis), c.now) {
		return fail("REQUEST_TIME_INVALID", "Request-Time is not of now")
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(h.Get("Signature"), ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[k] = v
	}
	text, err1 := url.QueryUnescape(fields["signature"])
	raw, err2 := base64.StdEncoding.DecodeString(text)
	if fields["algorithm"] != "RSA256" || fields["keyVersion"] == "" || err1 != nil || err2 != nil {
		return fail("INVALID_SIGNATURE", "Signature: want algorithm=RSA256,keyVersion=…,signature=…")
	}
	sum := sha256.Sum256([]byte(c.Method + " " + c.URL.Path + "\n" + clientAntom + "." + h.Get("Request-Time") + "." + string(c.body)))
	if rsa.VerifyPKCS1v15(&s.keys.antomClient.PublicKey, crypto.SHA256, sum[:], raw) != nil {
		return fail("INVALID_SIGNATURE", "Signature is not of this request")
	}
	return nil
}

// antomSeal signs the answer with its time.
func (s *Simulator) antomSeal(c *call, r *reply) {
	if r.cut || r.status != http.StatusOK {
		return
	}
	stamp := strconv.FormatInt(c.now.UnixMilli(), 10)
	key := s.keys.antomServer
	if f := c.faults.BadSignatureBps; f > 0 && s.dice(antom, "bad signature", "", s.throws.Add(1)) < f {
		key = s.keys.lianLianWebhook
	}
	signature := signRSA(key, c.Method+" "+c.URL.Path+"\n"+clientAntom+"."+stamp+"."+string(r.body))
	r.header = http.Header{"Client-Id": {clientAntom}, "Response-Time": {stamp},
		"Signature": {"algorithm=RSA256,keyVersion=1,signature=" + url.QueryEscape(signature)}}
}

// antomShow is a quote as Antom shows it.
func antomShow(id string, from, to money.Currency, rate money.Rate, start, expires time.Time, guaranteed bool) map[string]any {
	return map[string]any{"quoteId": id, "quoteCurrencyPair": string(from) + "/" + string(to), "quotePrice": rate.String(),
		"quoteStartTime": start.UTC().Format(time.RFC3339), "quoteExpiryTime": expires.UTC().Format(time.RFC3339), "guaranteed": guaranteed}
}

func (s *Simulator) antomRate(_ protocol, c *call) reply {
	var q struct {
		Conditions []struct {
			Sell string `json:"sellCurrency"`
			Buy  string `json:"buyCurrency"`
		} `json:"rateConditionList"`
	}
	if err := c.decode(&q); err != nil {
		return antomInvalid(err)
	}
	if len(q.Conditions) == 0 || len(q.Conditions) > 50 {
		return antomInvalid(errors.New("rateConditionList: want 1 to 50"))
	}
	quotes := make([]map[string]any, 0, len(q.Conditions))
	for _, x := range q.Conditions {
		from, to := money.Currency(x.Sell), money.Currency(x.Buy)
		rate, err := s.rateOf(antom, from, to)
		if err != nil || from == to {
			return antomReply("CURRENCY_NOT_SUPPORT", "F", fmt.Sprintf("no rate for %s/%s", from, to), nil)
		}
		quotes = append(quotes, antomShow("", from, to, rate, c.now, c.now.Add(s.options.QuoteValidity), false))
	}
	return antomSuccess(map[string]any{"quoteList": quotes})
}

func (s *Simulator) antomQuote(_ protocol, c *call) reply {
	var q struct {
		Sell         *antomAmount `json:"sellAmount"`
		Buy          *antomAmount `json:"buyAmount"`
		SellCurrency string       `json:"sellCurrency"`
		BuyCurrency  string       `json:"buyCurrency"`
		TradeType    string       `json:"exchangeTradeType"`
	}
	if err := c.decode(&q); err != nil {
		return antomInvalid(err)
	}
	if q.TradeType != "SPOT" || (q.Sell == nil) == (q.Buy == nil) {
		return antomInvalid(errors.New("want exchangeTradeType SPOT, and sellAmount or buyAmount"))
	}
	from, to := money.Currency(q.SellCurrency), money.Currency(q.BuyCurrency)
	rate, err := s.rateOf(antom, from, to)
	if err != nil || from == to {
		return antomReply("CURRENCY_NOT_SUPPORT", "F", fmt.Sprintf("no rate for %s/%s", from, to), nil)
	}
	sell, buy, err := priceAntom(q.Sell, q.Buy, from, to, rate)
	if err != nil {
		return antomInvalid(err)
	}
	expires := c.now.Add(s.options.QuoteValidity).Truncate(time.Second)
	id := s.issue(terms{provider: antom, sell: sell, buy: buy, rate: rate, expires: expires})
	return antomSuccess(map[string]any{"quote": antomShow(id, from, to, rate, c.now, expires, true),
		"sellAmount": toAntom(sell), "buyAmount": toAntom(buy)})
}
