package fxtest

import (
	"errors"
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/sim"
)

// Conformance runs the whole suite for an adapter by its registered name.
func Conformance(t *testing.T, adapter string) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, string)
	}{
		{"the good way", goodWay},
		{"rounds as the provider does, for any pair and side", anyPair},
		{"pays without converting", sameCurrency},
		{"converts without paying", converts},
		{"the same instruction twice is one payout", twice},
		{"the same instruction at once is one payout", atOnce},
		{"the same ID for something else is a conflict", conflict},
		{"an expired quote is refused", expired},
		{"a pair that is not dealt in is refused", noPair},
		{"a beneficiary that cannot be paid is refused", badBeneficiary},
		{"a refusal by the bank is a failure", refusedLater},
		{"a late confirmation is pending until then", late},
		{"a lost answer is uncertain and then known", lostAnswer},
		{"errors before anything is done", serverErrors},
		{"an outage", outage},
		{"answers that cannot be read", malformed},
		{"answers that come too late", tooLate},
		{"a call that is given up", cancelled},
		{"nobody there", nobodyThere},
		{"somebody else there", somebodyElse},
		{"wrong credentials", wrongCredentials},
		{"missing credentials", missingCredentials},
		{"a clock that is off", skewed},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, adapter) })
	}
}

func goodWay(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	q, err := p.Provider.Quote(t.Context(), Ask())
	if err != nil {
		t.Fatal(err)
	}
	if q.Provider != p.Spec.Name || q.Sell != Ask().Sell || q.Buy.Currency() != "CNY" || q.Expires.After(Ask().Latest) {
		t.Fatalf("quote %+v", q)
	}
	if want, err := q.Sell.Convert(q.Rate, "CNY", money.HalfUp); err != nil || want != q.Buy {
		t.Fatalf("quote buys %s, at %s that is %s (%v)", q.Buy, q.Rate, want, err)
	}
	q = p.Locked(t)
	if !q.Guaranteed {
		t.Fatalf("locked quote is not guaranteed: %+v", q)
	}
	i := Instruct(q)
	if s, err := p.Provider.Query(t.Context(), i); err != nil || s.Outcome != fx.NotFound {
		t.Fatalf("before paying: %+v, %v; want notFound", s, err)
	}
	s, err := p.Provider.Pay(t.Context(), i)
	if err != nil || s.Outcome != fx.Succeeded || s.Paid != q.Buy || s.ProviderRef == "" {
		t.Fatalf("pay: %+v, %v", s, err)
	}
	if s, err = p.Provider.Query(t.Context(), i); err != nil || s.Outcome != fx.Succeeded || s.Paid != q.Buy {
		t.Fatalf("query: %+v, %v", s, err)
	}
	paid, ok := p.Paid(i)
	if !ok || paid.Buy != q.Buy || paid.Sell != q.Sell || paid.Reference != i.UETR || paid.Account != i.Beneficiary.Account {
		t.Fatalf("the judge has %+v, %t", paid, ok)
	}
}

func anyPair(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	for _, q := range []fx.QuoteRequest{
		{Sell: money.FromMinor(1, "USD"), Buy: money.Zero("CNY")},
		{Sell: money.FromMinor(99999999999, "CNY"), Buy: money.Zero("USD")},
		{Sell: money.FromMinor(123456, "EUR"), Buy: money.Zero("IDR")},
		{Sell: money.FromMinor(10000000007, "IDR"), Buy: money.Zero("EUR")},
		{Sell: money.FromMinor(33333, "CNY"), Buy: money.Zero("JPY")},
		{Sell: money.FromMinor(77777, "JPY"), Buy: money.Zero("CNY")},
		{Sell: money.FromMinor(55555, "HKD"), Buy: money.Zero("THB")},
		{Sell: money.Zero("USD"), Buy: money.FromMinor(1000001, "CNY")},
		{Sell: money.Zero("CNY"), Buy: money.FromMinor(7, "USD")},
		{Sell: money.Zero("USD"), Buy: money.FromMinor(10001, "KRW")},
	} {
		q.Latest = Ask().Latest
		got, err := p.Provider.Quote(t.Context(), q)
		if err != nil {
			t.Errorf("%s to %s: %v", q.Sell, q.Buy, err)
			continue
		}
		if q.Sell.IsPositive() && got.Sell != q.Sell || got.Buy.Minor() < q.Buy.Minor() {
			t.Errorf("asked %s to %s, quoted %s to %s", q.Sell, q.Buy, got.Sell, got.Buy)
		}
		if got, err = p.Provider.Lock(t.Context(), got); err != nil {
			t.Errorf("%s to %s: %v", q.Sell, q.Buy, err)
			continue
		}
		if s, err := p.Provider.Pay(t.Context(), Instruct(got)); err != nil || s.Outcome != fx.Succeeded || s.Paid != got.Buy {
			t.Errorf("%s to %s at %s: %+v, %v", got.Sell, got.Buy, got.Rate, s, err)
		}
	}
}

func sameCurrency(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	ask := Ask()
	ask.Sell, ask.Buy = money.FromMinor(5000, "CNY"), money.Zero("CNY")
	q, err := p.Provider.Quote(t.Context(), ask)
	if err != nil || q.Buy != ask.Sell {
		t.Fatalf("%+v, %v", q, err)
	}
	if q, err = p.Provider.Lock(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	i := Instruct(q)
	if s, err := p.Provider.Pay(t.Context(), i); err != nil || s.Outcome != fx.Succeeded || s.Paid != ask.Sell {
		t.Fatalf("%+v, %v", s, err)
	}
	if s, err := p.Provider.Query(t.Context(), i); err != nil || s.Outcome != fx.Succeeded {
		t.Fatalf("%+v, %v", s, err)
	}
}

func converts(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	c, ok := p.Provider.(fx.Converter)
	if !ok {
		t.Skip("the adapter only pays out")
	}
	i := Instruct(p.Locked(t))
	i.Beneficiary, i.Debtor, i.UETR = fx.Party{}, fx.Party{}, ""
	if s, err := c.QueryConversion(t.Context(), i); err != nil || s.Outcome != fx.NotFound {
		t.Errorf("before: %+v, %v", s, err)
	}
	for range 2 {
		if s, err := c.Convert(t.Context(), i); err != nil || s.Outcome != fx.Succeeded || s.Paid != i.Quote.Buy {
			t.Errorf("convert: %+v, %v", s, err)
		}
	}
	if s, err := c.QueryConversion(t.Context(), i); err != nil || s.Outcome != fx.Succeeded {
		t.Errorf("query: %+v, %v", s, err)
	}
	other := i
	other.Quote = p.Locked(t)
	_, err := c.Convert(t.Context(), other)
	want(t, p, "pay", err, fx.Uncertain)
	if r := p.Simulator.Report(false); r.Payouts != 0 || r.Exchanges != 1 {
		t.Errorf("the judge has %+v", r)
	}
	p.Misbehave(t, sim.Faults{Outage: true})
	_, err = c.Convert(t.Context(), i)
	want(t, p, "pay", err, fx.Uncertain)
	_, err = c.QueryConversion(t.Context(), i)
	want(t, p, "query", err, fx.Retryable)
}

// classOf is the class and code of an error, empty where it is not an *fx.Error.
func classOf(err error) (fx.Class, string) {
	var e *fx.Error
	if !errors.As(err, &e) {
		return "", ""
	}
	return e.Class, e.Code
}

// want checks an error's class, and that it speaks of the provider.
func want(t *testing.T, p *Peer, op string, err error, classes ...fx.Class) {
	t.Helper()
	var e *fx.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v is no *fx.Error", op, err)
	}
	if e.Provider != p.Spec.Name || e.Op != op || e.Code == "" || e.Err == nil {
		t.Errorf("%s: error %+v lacks provider, op, code or cause", op, e)
	}
	for _, c := range classes {
		if e.Class == c {
			return
		}
	}
	t.Errorf("%s: %v is %s, want %v", op, err, e.Class, classes)
}

// refusedForGood checks that a payment was refused, in whichever way the adapter says so, and that nobody was paid.
func refusedForGood(t *testing.T, p *Peer, i fx.Instruction, s fx.Status, err error) {
	t.Helper()
	if class, _ := classOf(err); class != fx.Final && (err != nil || s.Outcome != fx.Failed) {
		t.Errorf("pay: %+v, %v; want a final refusal", s, err)
	}
	if r, ok := p.Paid(i); ok {
		t.Errorf("the judge has %+v", r)
	}
}
