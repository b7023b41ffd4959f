package wire

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
)

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New("acme", s.URL+"/api/", s.Client(), "hush-hush-token", "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func class(t *testing.T, err error) *fx.Error {
	t.Helper()
	var e *fx.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *fx.Error", err)
	}
	return e
}

var (
	quote = Call{Op: OpQuote, Method: http.MethodPost, Path: "/q", Body: []byte(`{}`)}
	pay   = Call{Op: OpPay, Moves: true, Method: http.MethodPost, Path: "/p", Body: []byte(`{}`)}
	query = Call{Op: OpQuery, Method: http.MethodGet, Path: "/s"}
)

func TestHugeAnswersAreNotRead(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 3 << 10 {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	})
	for call, want := range map[*Call]fx.Class{&quote: fx.Retryable, &pay: fx.Uncertain, &query: fx.Retryable} {
		_, err := c.Do(t.Context(), *call)
		if e := class(t, err); e.Class != want || e.Code != "too-large" {
			t.Errorf("%s: %v", call.Op, err)
		}
	}
}

func TestCutConnections(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
		panic(http.ErrAbortHandler)
	})
	for call, want := range map[*Call]fx.Class{&quote: fx.Retryable, &pay: fx.Uncertain} {
		_, err := c.Do(t.Context(), *call)
		if e := class(t, err); e.Class != want || e.Code != "transport" {
			t.Errorf("%s: %v", call.Op, err)
		}
	}
}

func TestTimeoutsAreNotFailures(t *testing.T) {
	release := make(chan struct{})
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	for call, want := range map[*Call]fx.Class{&quote: fx.Retryable, &pay: fx.Uncertain} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := c.Do(ctx, *call)
		cancel()
		if e := class(t, err); e.Class != want || e.Code != "timeout" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", call.Op, err)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	seen := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	a, err := c.Do(t.Context(), pay)
	if err != nil || a.Status != http.StatusTemporaryRedirect || seen != 1 {
		t.Errorf("%d requests: %+v, %v", seen, a, err)
	}
	if e := c.Status(pay, a); e.Class != fx.Uncertain {
		t.Error(e)
	}
}

func TestCredentialsAreCleanedFromWhatProvidersSay(t *testing.T) {
	c, err := New("acme", "http://localhost/api", nil, "hush-hush-token")
	if err != nil {
		t.Fatal(err)
	}
	e := c.Error(quote, fx.Final, "bad hush-hush-token", errors.New("token hush-hush-token is wrong\r\n\x1b[31mred"+strings.Repeat("long", 500)))
	for _, banned := range []string{"hush", "\n", "\x1b"} {
		if strings.Contains(e.Error(), banned) {
			t.Errorf("%q contains %q", e.Error(), banned)
		}
	}
	if len(e.Error()) > 600 {
		t.Errorf("%d bytes", len(e.Error()))
	}
	if s := c.Scrub("ends in hush-hush-token"); s != "ends in [redacted]" {
		t.Error(s)
	}
}

func TestQueriesErrorsAreNeverFinal(t *testing.T) {
	c, err := New("acme", "http://localhost", nil)
	if err != nil {
		t.Fatal(err)
	}
	for status := 300; status < 600; status++ {
		if e := c.Status(query, Answer{Status: status}); e.Class != fx.Retryable {
			t.Errorf("%d: %v", status, e)
		}
		if e := c.Status(pay, Answer{Status: status}); e.Class == fx.Final {
			t.Errorf("%d: %v", status, e)
		}
	}
}

func TestPathIsWhatTheProviderSees(t *testing.T) {
	got := ""
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Path })
	if _, err := c.Do(t.Context(), quote); err != nil || got != "/api/q" || c.Path("/q") != got {
		t.Errorf("%s, %v", got, err)
	}
}

func TestTextNeverPassesThroughAFloat(t *testing.T) {
	var v struct{ A, B, C Text }
	if err := Decode([]byte(`{"A":123456789012345678.12,"B":"1.500","C":null}`), &v); err != nil {
		t.Fatal(err)
	}
	if v.A != "123456789012345678.12" || v.C != "" {
		t.Errorf("%+v", v)
	}
	if a, err := v.B.Amount("USD"); err != nil || a != money.FromMinor(150, "USD") {
		t.Errorf("%v, %v", a, err)
	}
	for text, c := range map[Text]money.Currency{"1.501": "USD", "1.5": "JPY", "": "USD", "-1": "USD", "1e2": "USD"} {
		if a, err := text.Amount(c); err == nil {
			t.Errorf("%q in %s: %v", text, c, a)
		}
	}
	if a, err := Text("100.00").Amount("JPY"); err != nil || a.Minor() != 100 {
		t.Errorf("%v, %v", a, err)
	}
	for _, bad := range []string{`{"A":[]}`, `{"A":1} {}`, `{"A":tru`, ``} {
		if err := Decode([]byte(bad), &v); err == nil {
			t.Errorf("read %q", bad)
		}
	}
	for _, bad := range []Text{"", "x", "-5", "1.5"} {
		if at, err := bad.Millis(); err == nil {
			t.Errorf("%q is %v", bad, at)
		}
	}
}
