package adapters

import (
	"strings"
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
)

func TestAnUnknownAdapterIsNamedWithThoseThatAre(t *testing.T) {
	_, err := Open(plan.Provider{Name: "x", Adapter: "PayPal"}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), `"PayPal"`) || !strings.Contains(err.Error(), "Antom, ECB, LianLian, OpenFX, PingPong") {
		t.Errorf("%v", err)
	}
}

func TestReferencesAreOpenedAsTheyAre(t *testing.T) {
	ecb := plan.Provider{Name: "ecb", Adapter: "ECB", Endpoint: "/rates.csv", Reference: true}
	open := Guarded(nil, nil, nil)
	p, err := open(ecb, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := p.(fx.Reference); !ok {
		t.Errorf("%T is no reference", p)
	}
	if _, err := OpenReference(ecb, nil, nil); err != nil {
		t.Error(err)
	}
	other := plan.Provider{Name: "o", Adapter: "OpenFX", Endpoint: "http://localhost"}
	creds := map[string][]byte{"clientId": []byte("c"), "token": []byte("token"), "signingKey": []byte("key")}
	if p, err = open(other, creds); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.(*fx.Guarded); !ok {
		t.Errorf("%T is not guarded", p)
	}
	if _, err := OpenReference(other, creds, nil); err == nil {
		t.Error("Open FX gives no reference rates")
	}
	if _, err := open(other, nil); err == nil {
		t.Error("opened without credentials")
	}
}

func TestWebhooksAreThoseOfProvidersThatNotify(t *testing.T) {
	for name, tc := range map[string]struct {
		adapter string
		creds   map[string][]byte
		fails   bool
	}{
		"another adapter": {"PingPong", map[string][]byte{"webhookPublicKey": []byte("x")}, false},
		"no key":          {"LianLian", nil, false},
		"a bad key":       {"LianLian", map[string][]byte{"webhookPublicKey": []byte("x")}, true},
	} {
		h, err := Webhook(plan.Provider{Name: "p", Adapter: tc.adapter}, tc.creds, nil, func(string) error { return nil })
		if (err != nil) != tc.fails || h != nil {
			t.Errorf("%s: %v, %v", name, h, err)
		}
	}
}
