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

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/sim/judge"
)

// PingPong's codes, as the adapter's documentation lists them.
const (
	ppOK        = "200"
	ppSystem    = "900000"
	ppAuth      = "900001"
	ppParameter = "900002"
	ppRate      = "953003"
	ppNotFound  = "953004"
	ppConflict  = "953005"
)

func ppReply(code, message string, data any) reply {
	return jsonReply(http.StatusOK, map[string]any{"code": code, "message": message, "data": data})
}

func (s *Simulator) pingPongRoutes(mux *http.ServeMux) {
	p := protocol{name: pingPong, authenticate: s.ppAuthenticate,
		broken: func(*call) reply { return ppReply(ppSystem, "system error", nil) }}
	for path, h := range map[string]func(protocol, *call) reply{
		"/v1/mid-open-api/exchange/rate":   s.ppRate,
		"/v1/mid-open-api/exchange/create": s.ppExchange,
		"/v1/mid-open-api/exchange/query":  s.ppExchangeQuery,
		"/v1/mid-open-api/account/query":   s.ppAccounts,
		"/v3/b2b/order/fx":                 s.ppPayout,
		"/v3/b2b/order/query":              s.ppPayoutQuery,
	} {
		mux.HandleFunc("POST /"+pingPong+path, s.serve(p, func(c *call) reply { return h(p, c) }))
	}
}

func (s *Simulator) ppAuthenticate(c *call) *reply {
	fail := func(why string) *reply {
		r := ppReply(ppAuth, why, nil)
		r.status = http.StatusUnauthorized
		return &r
	}
	h := c.Header
	if h.Get("Authorization") != "Bearer "+s.keys.secrets["pingpong-token"] {
		return fail("Authorization is not right")
	}
	if h.Get("app_id") != appPingPong {
		return fail("app_id is not known")
	}
	millis, err := strconv.ParseInt(h.Get("timestamp"), 10, 64)
	if err != nil || s.skewed(time.UnixMilli(millis), c.now) {
		return fail("timestamp is not of now")
	}
	mac := hmac.New(sha256.New, []byte(s.keys.secrets["pingpong-signing-key"]))
	mac.Write([]byte(appPingPong + "\n" + h.Get("timestamp") + "\n" + c.Method + " " + c.URL.Path + "\n"))
	mac.Write(c.body)
	if sign, err := hex.DecodeString(h.Get("sign")); err != nil || !hmac.Equal(sign, mac.Sum(nil)) {
		return fail("sign is not right")
	}
	return nil
}

func (s *Simulator) ppRate(_ protocol, c *call) reply {
	var q struct {
		ClientID string `json:"client_id"`
		Sell     string `json:"sell_currency"`
		Buy      string `json:"buy_currency"`
	}
	if r := ppDecode(c, &q, &q.ClientID); r != nil {
		return *r
	}
	rate, err := s.rateOf(pingPong, money.Currency(q.Sell), money.Currency(q.Buy))
	if err != nil || q.Sell == q.Buy {
		return ppReply(ppParameter, fmt.Sprintf("no rate for %s/%s", q.Sell, q.Buy), nil)
	}
	expires := c.now.Add(s.options.QuoteValidity)
	id := s.issue(terms{provider: pingPong, sell: money.Zero(money.Currency(q.Sell)), buy: money.Zero(money.Currency(q.Buy)), rate: rate, expires: expires})
	return ppReply(ppOK, "success", map[string]any{"rate_id": id, "rate": rate.String(), "expire_time": expires.UnixMilli()})
}

// ppDecode reads a request and checks its client_id.
func ppDecode(c *call, v any, clientID *string) *reply {
	var r reply
	if err := c.decode(v); err != nil {
		r = ppReply(ppParameter, err.Error(), nil)
		return &r
	}
	if *clientID != clientPingPong {
		r = ppReply(ppParameter, fmt.Sprintf("client_id %q is not known", *clientID), nil)
		return &r
	}
	return nil
}

func (s *Simulator) ppExchange(p protocol, c *call) reply {
	var q struct {
		ClientID     string `json:"client_id"`
		OrderID      string `json:"partner_order_id"`
		SellCurrency string `json:"sell_currency"`
		SellAmount   string `json:"sell_amount"`
		BuyCurrency  string `json:"buy_currency"`
		BuyAmount    string `json:"buy_amount"`
		RateID       string `json:"rate_id"`
		Rate         string `json:"rate"`
	}
	if r := ppDecode(c, &q, &q.ClientID); r != nil {
		return *r
	}
	sell, err := strictAmount("sell_amount", q.SellAmount, q.SellCurrency)
	if err != nil {
		return ppReply(ppParameter, err.Error(), nil)
	}
	buy, err := strictAmount("buy_amount", q.BuyAmount, q.BuyCurrency)
	if err != nil {
		return ppReply(ppParameter, err.Error(), nil)
	}
	r := judge.Record{Key: judge.Key{Provider: pingPong, Kind: judge.Exchange, ID: q.OrderID}, Ref: s.ref("EX", c.now), Sell: sell, Buy: buy}
	r, ruled, err := s.instruct(c, r, "", func() error {
		if t, err := s.redeem(pingPong, q.RateID); err == nil && t.rate.String() != q.Rate {
			return fmt.Errorf("rate %q is not the rate_id's, %s", q.Rate, t.rate)
		}
		return s.deal(pingPong, q.RateID, sell, buy, c.now)
	})
	return s.ppRuled(p, c, r, ruled, err)
}

func (s *Simulator) ppRuled(p protocol, c *call, r judge.Record, ruled ruling, err error) reply {
	switch ruled {
	case taken:
		return ppOrder(r, c.now)
	case conflict:
		return ppReply(ppConflict, "partner_order_id was used with other content", nil)
	case vanished:
		return s.lost(p, c, "unknown "+r.ID, s.throws.Add(1))
	default:
		code := ppParameter
		if errors.Is(err, errExpired) || errors.Is(err, errQuote) {
			code = ppRate
		}
		return ppReply(code, err.Error(), nil)
	}
}

func ppOrder(r judge.Record, now time.Time) reply {
	status := map[judge.State]string{judge.Processing: "PROCESSING", judge.Succeeded: "SUCCESS", judge.Failed: "FAILED"}[r.At(now)]
	data := map[string]any{"order_id": r.Ref, "partner_order_id": r.ID, "status": status,
		"target_amount": r.Buy.Decimal(), "target_currency": string(r.Buy.Currency())}
	if status == "FAILED" {
		data["fail_code"], data["fail_reason"] = "BENEFICIARY_REFUSED", r.Reason
	}
	return ppReply(ppOK, "success", data)
}

func (s *Simulator) ppPayout(p protocol, c *call) reply {
	var q struct {
		ClientID       string `json:"client_id"`
		OrderID        string `json:"partner_order_id"`
		OrderType      string `json:"order_type"`
		CalRule        string `json:"cal_rule"`
		SourceCurrency string `json:"source_currency"`
		TargetCurrency string `json:"target_currency"`
		TargetAmount   string `json:"target_amount"`
		FundingOrderID string `json:"funding_order_id"`
		Recipient      struct {
			Name       string `json:"name"`
			Country    string `json:"country"`
			AccountNo  string `json:"account_no"`
			BIC        string `json:"bic"`
			BankCode   string `json:"bank_code"`
			Town       string `json:"town"`
			Street     string `json:"street"`
			PostalCode string `json:"postal_code"`
			Network    string `json:"network"`
		} `json:"recipient"`
		Purpose   string `json:"purpose"`
		Reference string `json:"reference"`
		Remark    string `json:"remark"`
	}
	if r := ppDecode(c, &q, &q.ClientID); r != nil {
		return *r
	}
	buy, err := strictAmount("target_amount", q.TargetAmount, q.TargetCurrency)
	if err != nil {
		return ppReply(ppParameter, err.Error(), nil)
	}
	if q.OrderType != "RECIPIENT" || q.CalRule != "TARGET2ORIGIN" || q.SourceCurrency != q.TargetCurrency {
		return ppReply(ppParameter, "want order_type RECIPIENT, cal_rule TARGET2ORIGIN and source_currency as target_currency", nil)
	}
	sell := buy
	funding, funded := s.book.Find(judge.Key{Provider: pingPong, Kind: judge.Exchange, ID: q.OrderID})
	if funded {
		sell = funding.Sell
	}
	r := judge.Record{Key: judge.Key{Provider: pingPong, Kind: judge.Payout, ID: q.OrderID}, Ref: s.ref("PO", c.now), Reference: q.Reference,
		Sell: sell, Buy: buy, Account: q.Recipient.AccountNo}
	r, ruled, err := s.instruct(c, r, "", func() error {
		if q.FundingOrderID != "" && (!funded || funding.Ref != q.FundingOrderID || funding.Buy != buy || funding.At(c.now) == judge.Failed) {
			return fmt.Errorf("funding_order_id %q is not an exchange for %s", q.FundingOrderID, buy)
		}
		return beneficiary(q.Recipient.Name, q.Recipient.Country, q.Recipient.AccountNo, q.Recipient.BankCode)
	})
	return s.ppRuled(p, c, r, ruled, err)
}

func (s *Simulator) ppExchangeQuery(_ protocol, c *call) reply { return s.ppQuery(c, judge.Exchange) }
func (s *Simulator) ppPayoutQuery(_ protocol, c *call) reply   { return s.ppQuery(c, judge.Payout) }

func (s *Simulator) ppQuery(c *call, kind judge.Kind) reply {
	var q struct {
		ClientID string `json:"client_id"`
		OrderID  string `json:"partner_order_id"`
	}
	if r := ppDecode(c, &q, &q.ClientID); r != nil {
		return *r
	}
	r, ok := s.book.Find(judge.Key{Provider: pingPong, Kind: kind, ID: q.OrderID})
	if !ok {
		return ppReply(ppNotFound, "order does not exist", nil)
	}
	return ppOrder(r, c.now)
}

// ppAccounts says what exchanges and payouts left: what is still to be confirmed waits in the TEMP_ACCOUNT.
func (s *Simulator) ppAccounts(_ protocol, c *call) reply {
	var q struct {
		ClientID string `json:"client_id"`
	}
	if r := ppDecode(c, &q, &q.ClientID); r != nil {
		return *r
	}
	type place struct {
		kind     string
		currency money.Currency
	}
	balance := map[place]int64{}
	for _, r := range s.book.All(pingPong, judge.Exchange) {
		switch r.At(c.now) {
		case judge.Processing:
			balance[place{"TEMP_ACCOUNT", r.Buy.Currency()}] += r.Buy.Minor()
		case judge.Succeeded:
			balance[place{"AVAIL_ACCOUNT", r.Buy.Currency()}] += r.Buy.Minor()
		}
	}
	for _, r := range s.book.All(pingPong, judge.Payout) {
		if r.At(c.now) != judge.Failed && r.Sell.Currency() != r.Buy.Currency() {
			balance[place{"AVAIL_ACCOUNT", r.Buy.Currency()}] -= r.Buy.Minor()
		}
	}
	accounts := []map[string]string{}
	for p, minor := range balance {
		if minor >= 0 {
			accounts = append(accounts, map[string]string{"account_type": p.kind, "currency": string(p.currency),
				"balance": money.FromMinor(minor, p.currency).Decimal()})
		}
	}
	return ppReply(ppOK, "success", accounts)
}
