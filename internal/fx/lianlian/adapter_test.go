package lianlian_test

import (
	"errors"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/adapters"
	"qiantang.dev/rails/internal/fx/fxtest"
	"qiantang.dev/rails/internal/fx/lianlian"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
)

func TestOAuth2PaysAsBasicDoes(t *testing.T) {
	p := fxtest.Start(t, "LianLian", func(_ *sim.Options, spec *plan.Provider) { spec.Parameters = map[string]string{"auth": "OAuth2"} })
	i := fxtest.Instruct(p.Locked(t))
	if s, err := p.Provider.Pay(t.Context(), i); err != nil || s.Outcome != fx.Succeeded {
		t.Fatalf("%+v, %v", s, err)
	}
	creds := map[string][]byte{"developerId": []byte("x"), "masterToken": []byte("not-the-token"), "privateKey": p.Secrets["privateKey"]}
	a, err := adapters.Open(p.Spec, creds, p.Server.Client())
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Pay(t.Context(), i)
	var e *fx.Error
	// The payout itself was never sent.
	if !errors.As(err, &e) || e.Class != fx.Retryable || e.Code != "authorization" || strings.Contains(err.Error(), "not-the-token") {
		t.Errorf("%v", err)
	}
}

func TestParametersAreChecked(t *testing.T) {
	p := fxtest.Start(t, "LianLian", nil)
	for k, v := range map[string]string{"auth": "Digest", "rateValidity": "soon"} {
		spec := p.Spec
		spec.Parameters = map[string]string{k: v}
		if _, err := adapters.Open(spec, p.Secrets, nil); err == nil || !strings.Contains(err.Error(), k) || !strings.Contains(err.Error(), v) {
			t.Errorf("%s=%s: %v", k, v, err)
		}
	}
}

func TestTradeFile(t *testing.T) {
	p := fxtest.Start(t, "LianLian", nil)
	a, ok := p.Provider.(*lianlian.Adapter)
	if !ok {
		t.Fatal("not the adapter")
	}
	f := lianlian.TradeFile{ID: "tf-1", PayoutID: "p-1", TradeType: "GOODS", TradeCode: "122010"}
	if err := a.SendTradeFile(t.Context(), f); err == nil || !strings.Contains(err.Error(), "CustomsDeclarationNo") {
		t.Errorf("without a declaration: %v", err)
	}
	f.CustomsDeclarationNo = "310120260000000001"
	for range 2 {
		if err := a.SendTradeFile(t.Context(), f); err != nil {
			t.Error(err)
		}
	}
	f.PayoutID = "p-2"
	var e *fx.Error
	if err := a.SendTradeFile(t.Context(), f); !errors.As(err, &e) || e.Class != fx.Final {
		t.Errorf("the same ID for another: %v", err)
	}
}
