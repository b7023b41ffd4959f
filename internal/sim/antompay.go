package sim

import (
	"errors"
	"fmt"
	"time"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/sim/judge"
)

// antomTerms reads the two amounts of an instruction and deals them at its quote.
func (s *Simulator) antomTerms(c *call, quote string, from, to *antomAmount, fromField, toField string) (sell, buy money.Amount, check func() error, err error) {
	if sell, err = from.money(fromField); err != nil {
		return sell, buy, nil, err
	}
	if buy, err = to.money(toField); err != nil {
		return sell, buy, nil, err
	}
	return sell, buy, func() error { return s.deal(antom, quote, sell, buy, c.now) }, nil
}

func (s *Simulator) antomRuled(p protocol, c *call, r judge.Record, ruled ruling, err error) reply {
	switch {
	case ruled == taken:
		result, more := antomTransfer(r, c.now)
		return antomReply(result.Code, result.Status, result.Message, more)
	case ruled == conflict:
		return antomReply("REPEAT_REQ_INCONSISTENT", "F", "repeated with other content", nil)
	case ruled == vanished:
		return s.lost(p, c, "unknown "+r.ID, s.throws.Add(1))
	case errors.Is(err, errExpired), errors.Is(err, errQuote):
		return antomReply("QUOTE_EXPIRED", "F", err.Error(), nil)
	}
	return antomInvalid(err)
}

func antomTransfer(r judge.Record, now time.Time) (antomResult, map[string]any) {
	more := map[string]any{"transferRequestId": r.ID, "transferId": r.Ref}
	switch r.At(now) {
	case judge.Succeeded:
		more["transferToDetail"] = map[string]any{"actualTransferToAmount": toAntom(r.Buy), "feeAmount": antomAmount{string(r.Buy.Currency()), "0"}}
		return antomResult{"SUCCESS", "S", "success."}, more
	case judge.Failed:
		return antomResult{"BENEFICIARY_REFUSED", "F", r.Reason}, more
	default:
		return antomResult{"PAYMENT_IN_PROCESS", "U", "in process"}, more
	}
}

func (s *Simulator) antomExchange(p protocol, c *call) reply {
	var q struct {
		ID      string       `json:"exchangeRequestId"`
		Mode    string       `json:"exchangeMode"`
		QuoteID string       `json:"quoteId"`
		Sell    *antomAmount `json:"sellAmount"`
		Buy     *antomAmount `json:"buyAmount"`
	}
	if err := c.decode(&q); err != nil {
		return antomInvalid(err)
	}
	sell, buy, check, err := s.antomTerms(c, q.QuoteID, q.Sell, q.Buy, "sellAmount", "buyAmount")
	if err != nil {
		return antomInvalid(err)
	}
	r := judge.Record{Key: judge.Key{Provider: antom, Kind: judge.Exchange, ID: q.ID}, Ref: s.ref("AX", c.now), Sell: sell, Buy: buy}
	r, ruled, err := s.instruct(c, r, q.QuoteID, check)
	return s.antomRuled(p, c, r, ruled, err)
}

func (s *Simulator) antomPayout(p protocol, c *call) reply {
	var q struct {
		ID    string `json:"transferRequestId"`
		Ref   string `json:"referenceTransferId"`
		Quote struct {
			ID string `json:"quoteId"`
		} `json:"transferQuote"`
		From struct {
			Amount *antomAmount `json:"transferFromAmount"`
		} `json:"transferFromDetail"`
		To struct {
			Currency string       `json:"transferToCurrency"`
			Amount   *antomAmount `json:"transferToAmount"`
			Purpose  string       `json:"purposeCode"`
			Notes    string       `json:"transferNotes"`
			Method   struct {
				Type string `json:"paymentMethodType"`
				Data struct {
					Name       string `json:"beneficiaryName"`
					Country    string `json:"beneficiaryCountry"`
					Account    string `json:"accountNo"`
					BIC        string `json:"bankBIC"`
					BranchCode string `json:"branchCode"`
					Town       string `json:"town"`
					Street     string `json:"street"`
					PostCode   string `json:"postCode"`
					Network    string `json:"network"`
				} `json:"paymentMethodMetaData"`
			} `json:"transferToMethod"`
		} `json:"transferToDetail"`
	}
	if err := c.decode(&q); err != nil {
		return antomInvalid(err)
	}
	sell, buy, deal, err := s.antomTerms(c, q.Quote.ID, q.From.Amount, q.To.Amount, "transferFromAmount", "transferToAmount")
	if err != nil {
		return antomInvalid(err)
	}
	r := judge.Record{Key: judge.Key{Provider: antom, Kind: judge.Payout, ID: q.ID}, Ref: s.ref("AP", c.now), Reference: q.Ref,
		Sell: sell, Buy: buy, Account: q.To.Method.Data.Account}
	r, ruled, err := s.instruct(c, r, q.Quote.ID, func() error {
		data := q.To.Method.Data
		switch {
		case q.To.Purpose == "":
			return errors.New("purposeCode is missing")
		case q.To.Currency != string(buy.Currency()):
			return fmt.Errorf("transferToCurrency %q is not the amount's", q.To.Currency)
		case q.To.Method.Type != "BANK_ACCOUNT_DETAIL":
			return fmt.Errorf("paymentMethodType %q", q.To.Method.Type)
		}
		if err := beneficiary(data.Name, data.Country, data.Account, data.BranchCode); err != nil {
			return err
		}
		return deal()
	})
	return s.antomRuled(p, c, r, ruled, err)
}

func (s *Simulator) antomInquire(_ protocol, c *call) reply {
	var q struct {
		ID string `json:"transferRequestId"`
	}
	if err := c.decode(&q); err != nil {
		return antomInvalid(err)
	}
	return s.antomFind(c, judge.Payout, q.ID)
}

func (s *Simulator) antomInquireExchange(_ protocol, c *call) reply {
	var q struct {
		ID string `json:"exchangeRequestId"`
	}
	if err := c.decode(&q); err != nil {
		return antomInvalid(err)
	}
	return s.antomFind(c, judge.Exchange, q.ID)
}

func (s *Simulator) antomFind(c *call, kind judge.Kind, id string) reply {
	r, ok := s.book.Find(judge.Key{Provider: antom, Kind: kind, ID: id})
	if !ok {
		return antomReply("ORDER_NOT_EXIST", "F", "no such request", nil)
	}
	result, more := antomTransfer(r, c.now)
	more["transferResult"] = result
	return antomSuccess(more)
}
