package fxtest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/adapters"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/sim"
)

func twice(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	i := Instruct(p.Locked(t))
	first, err := p.Provider.Pay(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	// Also after the rate has expired: what was taken was taken.
	p.Clock.Advance(2 * time.Minute)
	second, err := p.Provider.Pay(t.Context(), i)
	if err != nil || second != first {
		t.Errorf("first %+v, then %+v, %v", first, second, err)
	}
	if r := p.Simulator.Report(false); r.Payouts != 1 || r.Conflicts != 0 {
		t.Errorf("the judge has %+v", r)
	}
}

func atOnce(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	i := Instruct(p.Locked(t))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if s, err := p.Provider.Pay(t.Context(), i); err != nil || s.Outcome != fx.Succeeded {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	wg.Wait()
	if r := p.Simulator.Report(true); r.Payouts != 1 || r.Succeeded != 1 || len(r.Duplicates) != 0 || r.Entries[0].Repeated != 7 {
		t.Errorf("the judge has %+v", r)
	}
}

func conflict(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	i := Instruct(p.Locked(t))
	if _, err := p.Provider.Pay(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	other := i
	other.Beneficiary.Account = "6222020200119999999"
	_, err := p.Provider.Pay(t.Context(), other)
	// What was paid under the ID is paid: to call this a refusal would have it paid again elsewhere.
	want(t, p, "pay", err, fx.Uncertain)
	if r, ok := p.Paid(i); !ok || r.Account != i.Beneficiary.Account || r.Conflicts != 1 {
		t.Errorf("the judge has %+v", r)
	}
}

func expired(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	q := p.Locked(t)
	i := Instruct(q)
	p.Clock.Advance(2 * time.Minute)
	s, err := p.Provider.Pay(t.Context(), i)
	refusedForGood(t, p, i, s, err)
	q.Expires = time.Now().Add(-time.Second)
	_, err = p.Provider.Lock(t.Context(), q)
	want(t, p, "lock", err, fx.Retryable)
}

func noPair(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	ask := Ask()
	ask.Buy = money.Zero("XOF")
	_, err := p.Provider.Quote(t.Context(), ask)
	want(t, p, "quote", err, fx.Final)
}

func badBeneficiary(t *testing.T, adapter string) {
	for what, spoil := range map[string]func(*fx.Party){
		"CNAPS code": func(b *fx.Party) { b.CNAPS = "123" },
		"country":    func(b *fx.Party) { b.Country = "CHN" },
		"account":    func(b *fx.Party) { b.Account = "" },
		"name":       func(b *fx.Party) { b.Name = strings.Repeat("x", 200) },
	} {
		t.Run(what, func(t *testing.T) {
			p := Start(t, adapter, nil)
			i := Instruct(p.Locked(t))
			spoil(&i.Beneficiary)
			s, err := p.Provider.Pay(t.Context(), i)
			refusedForGood(t, p, i, s, err)
		})
	}
}

func refusedLater(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	p.Misbehave(t, sim.Faults{RefuseBps: 10000})
	i := Instruct(p.Locked(t))
	s, err := p.Provider.Pay(t.Context(), i)
	if class, _ := classOf(err); class != fx.Final && (err != nil || s.Outcome != fx.Failed) {
		t.Errorf("pay: %+v, %v", s, err)
	}
	if s, err = p.Provider.Query(t.Context(), i); err != nil || s.Outcome != fx.Failed {
		t.Errorf("query: %+v, %v", s, err)
	}
	if r := p.Simulator.Report(false); r.Succeeded != 0 || r.Processing != 0 {
		t.Errorf("the judge has %+v", r)
	}
}

func late(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	f := sim.Faults{LateBps: 10000}
	f.Late = 90e9
	p.Misbehave(t, f)
	i := Instruct(p.Locked(t))
	s, err := p.Provider.Pay(t.Context(), i)
	if err != nil || s.Outcome != fx.Pending {
		t.Fatalf("pay: %+v, %v", s, err)
	}
	if s, err = p.Provider.Query(t.Context(), i); err != nil || s.Outcome != fx.Pending {
		t.Errorf("query: %+v, %v", s, err)
	}
	p.Clock.Advance(2 * time.Minute)
	if s, err = p.Provider.Query(t.Context(), i); err != nil || s.Outcome != fx.Succeeded || s.Paid != i.Quote.Buy {
		t.Errorf("query afterwards: %+v, %v", s, err)
	}
}

func wrongCredentials(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	other, err := strange()
	if err != nil {
		t.Fatal(err)
	}
	strangers := other.Credentials()[adapter]
	for key := range p.Secrets {
		if key == "webhookPublicKey" {
			continue // for webhooks alone
		}
		t.Run(key, func(t *testing.T) {
			creds := map[string][]byte{}
			for k, v := range p.Secrets {
				creds[k] = v
			}
			if creds[key] = strangers[key]; string(creds[key]) == string(p.Secrets[key]) {
				creds[key] = []byte("somebody-else")
			}
			a, err := adapters.Open(p.Spec, creds, p.Server.Client())
			if err != nil {
				t.Fatal(err)
			}
			_, err = a.Quote(t.Context(), Ask())
			// A provider refuses in its own words; where we do not trust its words, that is not their refusal.
			class := fx.Final
			if key == "antomPublicKey" {
				class = fx.Retryable
			}
			if adapter == "Antom" && key == "clientId" {
				// Their signature is over the client's ID, so even the refusal does not verify.
				class = fx.Retryable
			}
			want(t, p, "quote", err, class)
			for k, v := range creds {
				if k != "clientId" && k != "appId" && k != "developerId" && strings.Contains(err.Error(), string(v)) {
					t.Errorf("%v shows credential %s", err, k)
				}
			}
			i := Instruct(fx.Quote{Provider: p.Spec.Name, Sell: money.FromMinor(100, "CNY"), Buy: money.FromMinor(100, "CNY"), Guaranteed: true})
			s, err := a.Pay(t.Context(), i)
			if err == nil && key != "antomPublicKey" {
				t.Errorf("pay: %+v", s)
			}
			if q, err := a.Query(t.Context(), i); err == nil {
				t.Errorf("query: %+v", q)
			}
		})
	}
}

func missingCredentials(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	for key := range p.Secrets {
		if key == "webhookPublicKey" {
			continue
		}
		creds := map[string][]byte{}
		for k, v := range p.Secrets {
			if k != key {
				creds[k] = v
			}
		}
		if _, err := adapters.Open(p.Spec, creds, nil); err == nil || !strings.Contains(err.Error(), `"`+key+`"`) {
			t.Errorf("without %s: %v", key, err)
		}
		if strings.HasSuffix(key, "Key") && strings.Contains(string(p.Secrets[key]), "PEM") {
			creds[key] = []byte("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----")
			if _, err := adapters.Open(p.Spec, creds, nil); err == nil || strings.Contains(err.Error(), "nonsense") {
				t.Errorf("with nonsense for %s: %v", key, err)
			}
		}
	}
	for _, endpoint := range []string{"", "ftp://x", "http://", "https://user:hunter22@host/", "http://host/?q=1", "://"} {
		spec := p.Spec
		spec.Endpoint = endpoint
		if _, err := adapters.Open(spec, p.Secrets, nil); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("endpoint %q: %v", endpoint, err)
		}
	}
}

func skewed(t *testing.T, adapter string) {
	p := Start(t, adapter, nil)
	p.Clock.Advance(10 * time.Minute)
	if q, err := p.Provider.Quote(t.Context(), Ask()); err == nil {
		t.Errorf("quoted %+v", q)
	}
	i := Instruct(fx.Quote{Provider: p.Spec.Name, Sell: money.FromMinor(100, "CNY"), Buy: money.FromMinor(100, "CNY"), Guaranteed: true})
	if s, err := p.Provider.Pay(t.Context(), i); err == nil {
		t.Errorf("paid %+v", s)
	}
	if s, err := p.Provider.Query(t.Context(), i); err == nil {
		t.Errorf("query %+v", s)
	}
	if _, ok := p.Paid(i); ok {
		t.Error("the judge has it")
	}
}
