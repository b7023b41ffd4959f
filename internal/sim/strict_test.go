package sim_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/fxtest"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
)

// tamper changes a request on its way to the simulator, after the adapter signed it.
type tamper struct {
	inner  http.RoundTripper
	change func(r *http.Request, body []byte) []byte
}

func (t tamper) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	body = t.change(r, body)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return t.inner.RoundTrip(r)
}

var adapterNames = []string{"PingPong", "LianLian", "Antom", "OpenFX"}

func TestRequestsChangedOnTheWayAreRefused(t *testing.T) {
	for _, name := range adapterNames {
		for what, change := range map[string]func(*http.Request, []byte) []byte{
			"the account": func(_ *http.Request, b []byte) []byte { return bytes.ReplaceAll(b, []byte("6222"), []byte("6223")) },
			"a blank":     func(_ *http.Request, b []byte) []byte { return append(b, ' ') },
			"no signature": func(r *http.Request, b []byte) []byte {
				for _, h := range []string{"Sign", "sign", "LLPAY-Signature", "Signature", "OpenFX-Signature"} {
					r.Header.Del(h)
					delete(r.Header, h)
				}
				return b
			},
			"no authorization": func(r *http.Request, b []byte) []byte {
				r.Header.Del("Authorization")
				r.Header.Del("Client-Id")
				return b
			},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				p := fxtest.Start(t, name, nil)
				i := fxtest.Instruct(p.Locked(t))
				changed := p.Reopen(t, &http.Client{Transport: tamper{http.DefaultTransport, change}})
				if s, err := changed.Pay(t.Context(), i); err == nil && s.Outcome != fx.Failed {
					t.Errorf("%+v", s)
				}
				if r := p.Simulator.Report(false); r.Payouts != 0 {
					t.Errorf("the judge has %+v", r)
				}
			})
		}
	}
}

// Here the adapter itself is made to sign what no provider would take.
func TestWhatNoProviderWouldTakeIsRefused(t *testing.T) {
	for _, name := range adapterNames {
		for what, spoil := range map[string]func(*fx.Instruction){
			"a cent too much": func(i *fx.Instruction) {
				i.Quote.Buy, _ = i.Quote.Buy.Add(i.Quote.Buy)
			},
			"another's quote":   func(i *fx.Instruction) { i.Quote.ID = "AAAAAAAAAAAAAAAAAAAAAAAA" },
			"an ID too long":    func(i *fx.Instruction) { i.ID = strings.Repeat("x", 65) },
			"an ID with blanks": func(i *fx.Instruction) { i.ID = "a b" },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				p := fxtest.Start(t, name, nil)
				i := fxtest.Instruct(p.Locked(t))
				spoil(&i)
				if s, err := p.Provider.Pay(t.Context(), i); err == nil && s.Outcome != fx.Failed {
					t.Errorf("%+v", s)
				}
				if r := p.Simulator.Report(false); r.Payouts != 0 {
					t.Errorf("the judge has %+v", r)
				}
			})
		}
	}
}

func admin(t *testing.T, p *fxtest.Peer, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.Server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.Server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out map[string]any
	_ = json.NewDecoder(resp.Body).Decode(&out) // not all answers are objects
	return resp.StatusCode, out
}

func TestAdmin(t *testing.T) {
	p := fxtest.Start(t, "OpenFX", nil)
	i := fxtest.Instruct(p.Locked(t))
	if _, err := p.Provider.Pay(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	if status, out := admin(t, p, "GET", "/admin/report?entries=true", ""); status != 200 || out["payouts"] != 1.0 || len(out["entries"].([]any)) != 1 {
		t.Errorf("%d %v", status, out)
	}
	for path, want := range map[string]int{"/admin/payouts/" + i.ID: 200, "/admin/payouts/none": 404, "/admin/payouts": 200, "/healthz": 200,
		"/readyz": 200, "/admin/faults": 200, "/admin/clearing": 200, "/nowhere": 404} {
		if status, out := admin(t, p, "GET", path, ""); status != want {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	if status, out := admin(t, p, "PATCH", "/admin/faults/openfx", `{"errorBps":100,"late":"1s"}`); status != 200 || out["spreadBps"] != 15.0 {
		t.Errorf("%d %v", status, out)
	}
	if f := p.Simulator.FaultsOf("openfx"); f.ErrorBps != 100 || f.Late != plan.Duration(1e9) || f.SpreadBps != 15 {
		t.Errorf("%+v", f)
	}
	for path, body := range map[string]string{"/admin/faults/nobody": `{}`, "/admin/faults/openfx": `{"errorBps":10001}`,
		"/admin/faults/antom": `{"nonsense":1}`, "/admin/faults/pingpong": `{"latency":"-1s"}`, "/admin/faults/lianlian": `{"spreadBps":9999}`} {
		if status, out := admin(t, p, "PUT", path, body); status != 400 || out["error"] == "" {
			t.Errorf("%s %s: %d %v", path, body, status, out)
		}
	}
	if status, _ := admin(t, p, "POST", "/admin/reset", ""); status != http.StatusNoContent || p.Simulator.Report(false).Payouts != 0 {
		t.Errorf("%d", status)
	}
}

func TestKeysAreSharedThroughADirectory(t *testing.T) {
	dir := t.TempDir()
	one, err := sim.New(sim.Options{Keys: dir})
	if err != nil {
		t.Fatal(err)
	}
	two, err := sim.New(sim.Options{Keys: dir})
	if err != nil {
		t.Fatal(err)
	}
	for adapter, creds := range one.Credentials() {
		if !maps.EqualFunc(creds, two.Credentials()[adapter], bytes.Equal) {
			t.Errorf("%s differs", adapter)
		}
	}
	files, err := one.KeyFiles()
	if err != nil || len(files) != 10 {
		t.Errorf("%d files, %v", len(files), err)
	}
	// A quote of one is good at the other: several pods are one simulator.
	p := fxtest.Start(t, "OpenFX", func(o *sim.Options, _ *plan.Provider) { o.KeysOf = one })
	q := fxtest.Start(t, "OpenFX", func(o *sim.Options, _ *plan.Provider) { o.KeysOf = two })
	if s, err := q.Provider.Pay(t.Context(), fxtest.Instruct(p.Locked(t))); err != nil || s.Outcome != fx.Succeeded {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	donor, err := sim.New(sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]sim.Options{
		"rates":    {KeysOf: donor, Rates: "/nowhere.csv"},
		"provider": {KeysOf: donor, Faults: map[string]sim.Faults{"paypal": {}}},
		"share":    {KeysOf: donor, Faults: map[string]sim.Faults{"antom": {UnknownBps: -1}}},
		"keys":     {Keys: "/proc/nowhere"},
	} {
		if _, err := sim.New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestTheSameSeedRefusesTheSameInstructions(t *testing.T) {
	outcome := func() string {
		p := fxtest.Start(t, "OpenFX", nil)
		p.Misbehave(t, sim.Faults{RefuseBps: 5000})
		var out strings.Builder
		for n := range 30 {
			i := fxtest.Instruct(p.Locked(t))
			i.ID = "payment-" + string(rune('a'+n))
			if n >= 26 {
				i.ID = "payment-z" + string(rune('a'+n-26))
			}
			s, err := p.Provider.Pay(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			out.WriteString(string(s.Outcome[0]))
		}
		return out.String()
	}
	first := outcome()
	if second := outcome(); first != second || !strings.Contains(first, "s") || !strings.Contains(first, "f") {
		t.Errorf("%s, then %s", first, second)
	}
}
