package conformance_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"qiantang.dev/rails/internal/fx/fxtest"
	"qiantang.dev/rails/internal/fx/openfx/conformance"
	"qiantang.dev/rails/internal/sim"
)

func target(t *testing.T) (conformance.Target, *fxtest.Peer) {
	p := fxtest.Start(t, "OpenFX", nil)
	return conformance.Target{URL: p.Spec.Endpoint, ClientID: string(p.Secrets["clientId"]), Token: string(p.Secrets["token"]),
		SigningKey: string(p.Secrets["signingKey"]), Sell: "USD", Buy: "CNY", Client: p.Server.Client()}, p
}

func run(ctx context.Context, target conformance.Target) map[string]error {
	out := map[string]error{}
	conformance.Run(ctx, target, func(r conformance.Result) { out[r.Name] = r.Err })
	return out
}

func TestTheSimulatorConforms(t *testing.T) {
	target, _ := target(t)
	for _, pair := range [][2]string{{"USD", "CNY"}, {"JPY", "EUR"}, {"EUR", "KRW"}} {
		target.Sell, target.Buy = pair[0], pair[1]
		results := run(t.Context(), target)
		for name, err := range results {
			if err != nil {
				t.Errorf("%s/%s: %s: %v", pair[0], pair[1], name, err)
			}
		}
		if len(results) != len(conformance.Names()) {
			t.Errorf("%d results of %d checks", len(results), len(conformance.Names()))
		}
	}
}

// spoiled is a server that forwards to a conforming one and spoils what passes.
func spoiled(t *testing.T, target conformance.Target, change func(*http.Response) error) conformance.Target {
	t.Helper()
	to, err := url.Parse(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
	}, ModifyResponse: change}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	target.URL = s.URL + to.Path
	return target
}

func TestWhatDoesNotConformIsNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*http.Response) error
		fails  string
	}{
		"no problem details": {func(r *http.Response) error { r.Header.Set("Content-Type", "text/plain"); return nil }, "what was never sent is not-found"},
		"200 for everything": {func(r *http.Response) error { r.StatusCode = http.StatusOK; return nil }, "a wrong token is unauthorized"},
	} {
		target, _ := target(t)
		if results := run(t.Context(), spoiled(t, target, tc.change)); results[tc.fails] == nil {
			t.Errorf("%s: %q passed", name, tc.fails)
		}
	}
	good, p := target(t)
	p.Misbehave(t, sim.Faults{Outage: true})
	for name, err := range run(t.Context(), good) {
		if err == nil {
			t.Errorf("outage: %q passed", name)
		}
	}
	for _, bad := range []string{"", "nowhere", "http://127.0.0.1:1/x"} {
		good.URL = bad
		for name, err := range run(t.Context(), good) {
			if err == nil {
				t.Errorf("URL %q: %q passed", bad, name)
			}
		}
	}
}
