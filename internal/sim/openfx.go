package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/sim/judge"
)

// ofxProblem is an RFC 9457 problem with the contract's code.
func ofxProblem(status int, code, detail string) reply {
	r := jsonReply(status, map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail})
	r.header = http.Header{"Content-Type": {"application/problem+json"}}
	return r
}

func ofxInvalid(err error) reply {
	return ofxProblem(http.StatusUnprocessableEntity, "invalid", err.Error())
}

func (s *Simulator) openFXRoutes(mux *http.ServeMux) {
	p := protocol{name: openFX, authenticate: s.ofxAuthenticate,
		broken: func(*call) reply { return ofxProblem(http.StatusInternalServerError, "unavailable", "try later") }}
	handle := func(method, path string, h func(protocol, *call) reply) {
		mux.HandleFunc(method+" /"+openFX+path, s.serve(p, func(c *call) reply { return h(p, c) }))
	}
	handle("POST", "/v1/quotes", s.ofxQuote)
	handle("POST", "/v1/quotes/{id}/lock", s.ofxLock)
	handle("POST", "/v1/payouts", s.ofxPayouts)
	handle("PUT", "/v1/payouts/{id}", s.ofxPayout)
	handle("GET", "/v1/payouts/{id}", s.ofxPayoutQuery)
	handle("PUT", "/v1/conversions/{id}", s.ofxConversion)
	handle("GET", "/v1/conversions/{id}", s.ofxConversionQuery)
}

func (s *Simulator) ofxAuthenticate(c *call) *reply {
	fail := func(why string) *reply {
		r := ofxProblem(http.StatusUnauthorized, "unauthorized", why)
		return &r
	}
	h := c.Header
	if h.Get("Authorization") != "Bearer "+s.keys.secrets["openfx-token"] || h.Get("OpenFX-Client") != clientOpenFX {
		return fail("Authorization or OpenFX-Client is not right")
	}
	stamp := h.Get("OpenFX-Timestamp")
	millis, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || s.skewed(time.UnixMilli(millis), c.now) {
		return fail("OpenFX-Timestamp is not of now")
	}
	digest := c.digest()
	mac := hmac.New(sha256.New, []byte(s.keys.secrets["openfx-signing-key"]))
	mac.Write([]byte(c.Method + "\n" + c.URL.EscapedPath() + "\n" + stamp + "\n" + hex.EncodeToString(digest[:])))
	if h.Get("OpenFX-Signature") != "v1="+hex.EncodeToString(mac.Sum(nil)) {
		return fail("OpenFX-Signature is not of this request")
	}
	return nil
}

func (s *Simulator) ofxQuote(_ protocol, c *call) reply {
	var q struct {
		SellCurrency string `json:"sellCurrency"`
		SellAmount   string `json:"sellAmount"`
		BuyCurrency  string `json:"buyCurrency"`
		BuyAmount    string `json:"buyAmount"`
		Latest       string `json:"latest"`
	}
	if err := c.decode(&q); err != nil {
		return ofxInvalid(err)
	}
	from, to := money.Currency(q.SellCurrency), money.Currency(q.BuyCurrency)
	request := fx.QuoteRequest{Sell: money.Zero(from), Buy: money.Zero(to)}
	if (q.SellAmount == "") == (q.BuyAmount == "") {
		return ofxInvalid(errors.New("want sellAmount or buyAmount"))
	}
	var err error
	if q.SellAmount != "" {
		request.Sell, err = strictAmount("sellAmount", q.SellAmount, q.SellCurrency)
	} else {
		request.Buy, err = strictAmount("buyAmount", q.BuyAmount, q.BuyCurrency)
	}
	if err != nil {
		return ofxInvalid(err)
	}
	latest, err := time.Parse(time.RFC3339, q.Latest)
	if err != nil || !latest.After(c.now) {
		return ofxInvalid(fmt.Errorf("latest %q: want RFC 3339, not past", q.Latest))
	}
	rate, err := s.rateOf(openFX, from, to)
	if err != nil || from == to {
		return ofxProblem(http.StatusUnprocessableEntity, "unsupported-pair", fmt.Sprintf("no rate for %s/%s", from, to))
	}
	sell, buy, err := fx.Price(request, rate)
	if err != nil {
		return ofxInvalid(err)
	}
	t := terms{provider: openFX, sell: money.Zero(from), buy: money.Zero(to), rate: rate,
		expires: fx.Bound(c.now.Add(s.options.QuoteValidity), latest).Truncate(time.Millisecond)}
	return ofxShow(s.issue(t), t, sell, buy)
}

func ofxShow(id string, t terms, sell, buy money.Amount) reply {
	return jsonReply(http.StatusOK, map[string]any{"quoteId": id, "sellCurrency": string(sell.Currency()), "sellAmount": sell.Decimal(),
		"buyCurrency": string(buy.Currency()), "buyAmount": buy.Decimal(), "rate": t.rate.String(), "fee": money.Zero(sell.Currency()).Decimal(),
		"expiresAt": t.expires.UTC().Format(time.RFC3339Nano), "guaranteed": true, "reusable": true})
}

func (s *Simulator) ofxLock(_ protocol, c *call) reply {
	var q struct {
		SellAmount string `json:"sellAmount"`
		BuyAmount  string `json:"buyAmount"`
	}
	if err := c.decode(&q); err != nil {
		return ofxInvalid(err)
	}
	t, err := s.redeem(openFX, c.PathValue("id"))
	if err != nil {
		return ofxProblem(http.StatusNotFound, "not-found", err.Error())
	}
	sell, err := strictAmount("sellAmount", q.SellAmount, string(t.sell.Currency()))
	if err != nil {
		return ofxInvalid(err)
	}
	buy, err := strictAmount("buyAmount", q.BuyAmount, string(t.buy.Currency()))
	if err != nil {
		return ofxInvalid(err)
	}
	if err := s.deal(openFX, c.PathValue("id"), sell, buy, c.now); err != nil {
		return ofxRefused(err)
	}
	return ofxShow(c.PathValue("id"), t, sell, buy)
}

func ofxRefused(err error) reply {
	if errors.Is(err, errExpired) || errors.Is(err, errQuote) {
		return ofxProblem(http.StatusUnprocessableEntity, "quote-expired", err.Error())
	}
	return ofxInvalid(err)
}

type ofxParty struct {
	Name     string `json:"name"`
	Country  string `json:"country"`
	Account  string `json:"account"`
	AgentBIC string `json:"agentBic"`
	CNAPS    string `json:"cnaps"`
	Town     string `json:"town"`
	Street   string `json:"street"`
	PostCode string `json:"postCode"`
}

type ofxInstruction struct {
	QuoteID      string    `json:"quoteId"`
	SellCurrency string    `json:"sellCurrency"`
	SellAmount   string    `json:"sellAmount"`
	BuyCurrency  string    `json:"buyCurrency"`
	BuyAmount    string    `json:"buyAmount"`
	Beneficiary  *ofxParty `json:"beneficiary"`
	Debtor       *ofxParty `json:"debtor"`
	Rail         string    `json:"rail"`
	Purpose      string    `json:"purpose"`
	Remittance   string    `json:"remittance"`
	UETR         string    `json:"uetr"`
}

func (s *Simulator) ofxPayout(p protocol, c *call) reply {
	return s.ofxSingle(p, c, judge.Payout)
}

func (s *Simulator) ofxConversion(p protocol, c *call) reply {
	return s.ofxSingle(p, c, judge.Exchange)
}

func (s *Simulator) ofxSingle(p protocol, c *call, kind judge.Kind) reply {
	r, ok := s.ofxInstruct(c, c.PathValue("id"), kind)
	if !ok {
		return s.lost(p, c, "unknown "+c.PathValue("id"), s.throws.Add(1))
	}
	return r
}

// ofxInstruct takes an instruction, or refuses it; false where its answer is lost.
func (s *Simulator) ofxInstruct(c *call, id string, kind judge.Kind) (reply, bool) {
	var q ofxInstruction
	if err := c.decode(&q); err != nil {
		return ofxInvalid(err), true
	}
	sell, err := strictAmount("sellAmount", q.SellAmount, q.SellCurrency)
	if err != nil {
		return ofxInvalid(err), true
	}
	buy, err := strictAmount("buyAmount", q.BuyAmount, q.BuyCurrency)
	if err != nil {
		return ofxInvalid(err), true
	}
	r := judge.Record{Key: judge.Key{Provider: openFX, Kind: kind, ID: id}, Ref: s.ref("OF", c.now), Reference: q.UETR, Sell: sell, Buy: buy}
	if q.Beneficiary != nil {
		r.Account = q.Beneficiary.Account
	}
	r, ruled, err := s.instruct(c, r, "", func() error {
		if kind == judge.Payout {
			if q.Beneficiary == nil {
				return errors.New("beneficiary is missing")
			}
			if err := beneficiary(q.Beneficiary.Name, q.Beneficiary.Country, q.Beneficiary.Account, q.Beneficiary.CNAPS); err != nil {
				return err
			}
		}
		return s.deal(openFX, q.QuoteID, sell, buy, c.now)
	})
	switch ruled {
	case taken:
		return ofxRecord(r, c.now), true
	case conflict:
		return ofxProblem(http.StatusConflict, "conflict", "the ID was used with other content"), true
	case vanished:
		return reply{}, false
	default:
		return ofxRefused(err), true
	}
}

type ofxStatus struct {
	ID          string `json:"id"`
	Reference   string `json:"reference"`
	Status      string `json:"status"`
	BuyCurrency string `json:"buyCurrency"`
	BuyAmount   string `json:"buyAmount"`
	Code        string `json:"code,omitempty"`
	Message     string `json:"message,omitempty"`
}

func ofxRecord(r judge.Record, now time.Time) reply {
	out := ofxStatus{ID: r.ID, Reference: r.Ref, Status: string(r.At(now)), BuyCurrency: string(r.Buy.Currency()), BuyAmount: r.Buy.Decimal()}
	if r.At(now) == judge.Failed {
		out.Code, out.Message = "beneficiary-refused", r.Reason
	}
	return jsonReply(http.StatusOK, out)
}

func (s *Simulator) ofxPayoutQuery(_ protocol, c *call) reply { return s.ofxFind(c, judge.Payout) }
func (s *Simulator) ofxConversionQuery(_ protocol, c *call) reply {
	return s.ofxFind(c, judge.Exchange)
}

func (s *Simulator) ofxFind(c *call, kind judge.Kind) reply {
	r, ok := s.book.Find(judge.Key{Provider: openFX, Kind: kind, ID: c.PathValue("id")})
	if !ok {
		return ofxProblem(http.StatusNotFound, "not-found", "no such ID")
	}
	return ofxRecord(r, c.now)
}
