package fxtest

import (
	"errors"
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
)

// Conformance runs the whole suite for an adapter by its registered name.
func Conformance(t *testing.T, adapter string) {
	t.Run("the good way", func(t *testing.T) { goodWay(t, adapter) })
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

// classOf is the class of an error, empty where it is not an *fx.Error.
func classOf(err error) (fx.Class, string) {
	var e *fx.Error
	if !errors.As(err, &e) {
		return "", ""
	}
	return e.Class, e.Code
}
