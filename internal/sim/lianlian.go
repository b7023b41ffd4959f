package sim

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/sim/judge"
)

func llReply(status int, code, message string) reply {
	return jsonReply(status, map[string]string{"code": code, "message": message})
}

func (s *Simulator) lianLianRoutes(mux *http.ServeMux) {
	p := protocol{name: lianLian, authenticate: s.llAuthenticate,
		broken: func(*call) reply { return llReply(http.StatusInternalServerError, "SYSTEM_ERROR", "try later") }}
	basic := protocol{name: lianLian, authenticate: s.llBasic, broken: p.broken}
	at := "/" + lianLian
	handle := func(pattern string, h func(protocol, *call) reply) {
		mux.HandleFunc(pattern, s.serve(p, func(c *call) reply { return h(p, c) }))
	}
	handle("GET "+at+"/rate/{type}/{src}/{tgt}", s.llRate)
	handle("POST "+at+"/payout", s.llPayout)
	handle("GET "+at+"/payout/{id}", s.llPayoutQuery)
	handle("POST "+at+"/exchange", s.llExchange)
	handle("GET "+at+"/exchange/{id}", s.llExchangeQuery)
	handle("POST "+at+"/tradefile", s.llTradeFile)
	mux.HandleFunc("POST "+at+"/oauth2/token", s.serve(basic, s.llToken))
}

// tokenSeconds is how long an OAuth2 token is good.
const tokenSeconds = 3600

func (s *Simulator) llToken(c *call) reply {
	if string(c.body) != "grant_type=client_credentials" {
		return llReply(http.StatusBadRequest, "invalid_request", "want grant_type=client_credentials")
	}
	stamp := strconv.FormatInt(c.now.Unix()+tokenSeconds, 36)
	return jsonReply(http.StatusOK, map[string]any{"access_token": stamp + "." + hex.EncodeToString(s.seal("token "+stamp)),
		"token_type": "Bearer", "expires_in": tokenSeconds})
}

func (s *Simulator) llBasic(c *call) *reply {
	user, token, ok := c.BasicAuth()
	if !ok || user != developer || token != s.keys.secrets["lianlian-master-token"] {
		r := llReply(http.StatusUnauthorized, "UNAUTHORIZED", "Authorization is not right")
		return &r
	}
	return nil
}

func (s *Simulator) llAuthenticate(c *call) *reply {
	fail := func(why string) *reply {
		r := llReply(http.StatusUnauthorized, "INVALID_SIGNATURE", why)
		return &r
	}
	if bearer, ok := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer "); ok {
		stamp, seal, _ := strings.Cut(bearer, ".")
		until, err := strconv.ParseInt(stamp, 36, 64)
		if err != nil || seal != hex.EncodeToString(s.seal("token "+stamp)) || c.now.Unix() >= until {
			return fail("access token is not good")
		}
	} else if refused := s.llBasic(c); refused != nil {
		return refused
	}
	t, v, _ := strings.Cut(c.Header.Get("LLPAY-Signature"), ",")
	epoch, ok1 := strings.CutPrefix(t, "t=")
	signature, ok2 := strings.CutPrefix(v, "v=")
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	raw, err2 := base64.StdEncoding.DecodeString(signature)
	if !ok1 || !ok2 || err != nil || err2 != nil {
		return fail("LLPAY-Signature: want t=<epoch>,v=<base64>")
	}
	if s.skewed(time.Unix(seconds, 0), c.now) {
		return fail("LLPAY-Signature: t is not of now")
	}
	uri := c.URL.EscapedPath()
	if c.URL.RawQuery != "" {
		uri += "?" + c.URL.RawQuery
	}
	sum := sha256.Sum256([]byte(c.Method + "&" + uri + "&" + epoch + "&" + string(c.body)))
	if rsa.VerifyPKCS1v15(&s.keys.lianLianClient.PublicKey, crypto.SHA256, sum[:], raw) != nil {
		return fail("LLPAY-Signature: v is not of this request")
	}
	return nil
}

func signRSA(k *rsa.PrivateKey, text string) string {
	sum := sha256.Sum256([]byte(text))
	b, err := rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
	if err != nil {
		return "" // keys of 2048 bits sign every digest
	}
	return base64.StdEncoding.EncodeToString(b)
}

// priority is the market's order of base currencies.
var priority = []money.Currency{"EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF", "JPY"}

// base is the currency of a pair that one unit is priced of.
func base(sell, buy money.Currency) money.Currency {
	i, j := slices.Index(priority, sell), slices.Index(priority, buy)
	if j >= 0 && (i < 0 || j < i) {
		return buy
	}
	return sell
}

func (s *Simulator) llRate(_ protocol, c *call) reply {
	src, tgt := money.Currency(c.PathValue("src")), money.Currency(c.PathValue("tgt"))
	rate, err := s.rateOf(lianLian, src, tgt)
	if err != nil || src == tgt {
		return llReply(http.StatusUnprocessableEntity, "PAIR_NOT_SUPPORTED", fmt.Sprintf("no rate for %s/%s", src, tgt))
	}
	if t := c.PathValue("type"); t != "SPOT" {
		return llReply(http.StatusUnprocessableEntity, "INVALID_PARAMETER", fmt.Sprintf("rateType %q", t))
	}
	b, shown := base(src, tgt), rate
	if b == tgt {
		// What is shown is the price of one target; what is dealt at is its inverse, as the client computes it.
		if shown, err = rate.Inverse(9); err == nil {
			rate, err = shown.Inverse(money.MaxRateScale)
		}
		if err != nil {
			return llReply(http.StatusUnprocessableEntity, "PAIR_NOT_SUPPORTED", err.Error())
		}
	}
	expires := c.now.Add(s.options.QuoteValidity)
	id := s.issue(terms{provider: lianLian, sell: money.Zero(src), buy: money.Zero(tgt), rate: rate, expires: expires})
	return jsonReply(http.StatusOK, map[string]any{"rateId": id, "rate": shown.String(), "baseCurrency": string(b), "expireTime": expires.UnixMilli()})
}

func (s *Simulator) llRuled(p protocol, c *call, r judge.Record, ruled ruling, err error) reply {
	switch ruled {
	case taken:
		return llRecord(http.StatusOK, r, c.now)
	case conflict:
		return llReply(http.StatusConflict, "DUPLICATE_REQUEST", "the ID was used with other content")
	case vanished:
		return s.lost(p, c, "unknown "+r.ID, s.throws.Add(1))
	}
	if errors.Is(err, errExpired) || errors.Is(err, errQuote) {
		return llReply(http.StatusUnprocessableEntity, "RATE_EXPIRED", err.Error())
	}
	return llReply(http.StatusUnprocessableEntity, "INVALID_PARAMETER", err.Error())
}

func llRecord(status int, r judge.Record, now time.Time) reply {
	said := map[judge.State]string{judge.Processing: "Processing", judge.Succeeded: "Successed", judge.Failed: "Failed"}[r.At(now)]
	out := map[string]any{"systemId": r.Ref, "status": said, "sourceCurrency": string(r.Sell.Currency()), "sourceAmount": r.Sell.Decimal(),
		"targetCurrency": string(r.Buy.Currency()), "targetAmount": r.Buy.Decimal()}
	out[string(r.Kind)+"Id"] = r.ID
	if said == "Failed" {
		out["failCode"], out["failReason"] = "BENEFICIARY_REFUSED", r.Reason
	}
	return jsonReply(status, out)
}

func (s *Simulator) llPayout(p protocol, c *call) reply {
	var q struct {
		PayoutID        string `json:"payoutId"`
		RateID          string `json:"rateId"`
		PricingCurrency string `json:"pricingCurrency"`
		SourceCurrency  string `json:"sourceCurrency"`
		TargetCurrency  string `json:"targetCurrency"`
		SourceAmount    string `json:"sourceAmount"`
		TargetAmount    string `json:"targetAmount"`
		Payee           struct {
			Name       string `json:"name"`
			Country    string `json:"country"`
			AccountNo  string `json:"accountNo"`
			SwiftCode  string `json:"swiftCode"`
			Town       string `json:"town"`
			Street     string `json:"street"`
			PostalCode string `json:"postalCode"`
		} `json:"payee"`
		CNAPSCode string `json:"cnapsCode"`
		Channel   string `json:"channel"`
		Purpose   string `json:"purpose"`
		Reference string `json:"reference"`
		Remark    string `json:"remark"`
	}
	if err := c.decode(&q); err != nil {
		return llReply(http.StatusBadRequest, "INVALID_PARAMETER", err.Error())
	}
	sell, err := strictAmount("sourceAmount", q.SourceAmount, q.SourceCurrency)
	if err != nil {
		return llReply(http.StatusBadRequest, "INVALID_PARAMETER", err.Error())
	}
	buy, err := strictAmount("targetAmount", q.TargetAmount, q.TargetCurrency)
	if err != nil {
		return llReply(http.StatusBadRequest, "INVALID_PARAMETER", err.Error())
	}
	r := judge.Record{Key: judge.Key{Provider: lianLian, Kind: judge.Payout, ID: q.PayoutID}, Ref: s.ref("LL", c.now), Reference: q.Reference,
		Sell: sell, Buy: buy, Account: q.Payee.AccountNo}
	r, ruled, err := s.instruct(c, r, "", func() error {
		if q.PricingCurrency != q.SourceCurrency && q.PricingCurrency != q.TargetCurrency {
			return fmt.Errorf("pricingCurrency %q is neither source nor target", q.PricingCurrency)
		}
		if err := beneficiary(q.Payee.Name, q.Payee.Country, q.Payee.AccountNo, q.CNAPSCode); err != nil {
			return err
		}
		return s.deal(lianLian, q.RateID, sell, buy, c.now)
	})
	return s.llRuled(p, c, r, ruled, err)
}

func (s *Simulator) llExchange(p protocol, c *call) reply {
	var q struct {
		ID             string `json:"exchangeId"`
		RateID         string `json:"rateId"`
		SourceCurrency string `json:"sourceCurrency"`
		TargetCurrency string `json:"targetCurrency"`
		SourceAmount   string `json:"sourceAmount"`
		TargetAmount   string `json:"targetAmount"`
	}
	if err := c.decode(&q); err != nil {
		return llReply(http.StatusBadRequest, "INVALID_PARAMETER", err.Error())
	}
	sell, err := strictAmount("sourceAmount", q.SourceAmount, q.SourceCurrency)
	if err != nil {
		return llReply(http.StatusBadRequest, "INVALID_PARAMETER", err.Error())
	}
	buy, err := strictAmount("targetAmount", q.TargetAmount, q.TargetCurrency)
	if err != nil {
		return llReply(http.StatusBadRequest, "INVALID_PARAMETER", err.Error())
	}
	r := judge.Record{Key: judge.Key{Provider: lianLian, Kind: judge.Exchange, ID: q.ID}, Ref: s.ref("LX", c.now), Sell: sell, Buy: buy}
	r, ruled, err := s.instruct(c, r, "", func() error { return s.deal(lianLian, q.RateID, sell, buy, c.now) })
	return s.llRuled(p, c, r, ruled, err)
}

func (s *Simulator) llPayoutQuery(_ protocol, c *call) reply   { return s.llQuery(c, judge.Payout) }
func (s *Simulator) llExchangeQuery(_ protocol, c *call) reply { return s.llQuery(c, judge.Exchange) }

func (s *Simulator) llQuery(c *call, kind judge.Kind) reply {
	r, ok := s.book.Find(judge.Key{Provider: lianLian, Kind: kind, ID: c.PathValue("id")})
	if !ok {
		return llReply(http.StatusNotFound, "NOT_FOUND", "no such ID")
	}
	return llRecord(http.StatusOK, r, c.now)
}

func (s *Simulator) llTradeFile(_ protocol, c *call) reply {
	var q struct {
		ID                   string `json:"tradeFileId"`
		PayoutID             string `json:"payoutId"`
		TradeType            string `json:"tradeType"`
		TradeCode            string `json:"tradeCode"`
		CustomsDeclarationNo string `json:"CustomsDeclarationNo"`
	}
	if err := c.decode(&q); err != nil {
		return llReply(http.StatusBadRequest, "INVALID_PARAMETER", err.Error())
	}
	if err := checkID(q.ID); err != nil {
		return llReply(http.StatusBadRequest, "INVALID_PARAMETER", err.Error())
	}
	if q.TradeType == "" || len(q.TradeCode) != 6 || (q.TradeCode == "122010" && q.CustomsDeclarationNo == "") {
		return llReply(http.StatusUnprocessableEntity, "INVALID_PARAMETER", "want tradeType, tradeCode of 6 digits, and CustomsDeclarationNo for 122010")
	}
	if old, there := s.trade.LoadOrStore(q.ID, q); there && old != q {
		return llReply(http.StatusConflict, "DUPLICATE_REQUEST", "the ID was used with other content")
	}
	return jsonReply(http.StatusOK, map[string]string{"tradeFileId": q.ID, "status": "Accepted"})
}
