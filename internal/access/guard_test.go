package access_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-logr/logr/testr"

	"qiantang.dev/rails/internal/access"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/pkg/client"
)

// stand is a guarded API with one operation of each kind that matters here, and a clock of its own.
type stand struct {
	t      *testing.T
	guard  *access.Guard
	api    http.Handler
	now    atomic.Int64
	issuer *issuer
	tokens *reviewer
	// material comes with the plan.
	material map[string][]byte
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{t: t, tokens: &reviewer{}}
	s.now.Store(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC).UnixNano())
	s.issuer = newIssuer(t)
	var err error
	s.guard, err = access.New(access.Options{Clock: s.clock, Log: testr.New(t), Client: s.issuer.server.Client(), Tokens: s.tokens})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("test", "1"))
	api.UseMiddleware(s.guard.Middleware)
	for id, path := range map[string]string{"create-payment": "/pay", "list-payments": "/list"} {
		huma.Register(api, huma.Operation{OperationID: id, Method: http.MethodGet, Path: path}, func(context.Context, *struct{}) (*struct{}, error) {
			return nil, nil
		})
	}
	if err := access.Describe(api); err != nil {
		t.Fatal(err)
	}
	s.api = mux
	return s
}

func (s *stand) clock() time.Time        { return time.Unix(0, s.now.Load()).UTC() }
func (s *stand) advance(d time.Duration) { s.now.Add(int64(d)) }

// region is a plan in which the issuer's ada may read and write, its bob read, and Kubernetes' shop write.
func (s *stand) region(edit func(*plan.Region)) *plan.Region {
	r := &plan.Region{
		API: &plan.API{Authentication: []plan.Authentication{
			{Name: "bank", Type: plan.AuthenticationOIDC, Audience: "rails", Issuer: s.issuer.url, UsernameClaim: "sub"},
			{Name: "cluster", Type: plan.AuthenticationServiceAccount, Audience: "rails"},
		}},
		Clients: []plan.Client{
			{Name: "ada", Authentication: "bank", Subject: "ada", Scopes: []string{"payments:read", "payments:write"}},
			{Name: "bob", Authentication: "bank", Subject: "bob", Scopes: []string{"payments:read"}, RateLimit: 1, Burst: 2},
			{Name: "shop", Authentication: "cluster", Subject: shop, Scopes: []string{"payments:write"}},
		},
	}
	if edit != nil {
		edit(r)
	}
	return r
}

func (s *stand) use(r *plan.Region) {
	s.t.Helper()
	p, err := s.guard.Prepare(s.t.Context(), r, s.material)
	if err != nil {
		s.t.Fatal(err)
	}
	s.guard.Use(p)
}

// call sends a request and gives the answer with its problem, if it is one.
func (s *stand) call(path, authorization string) (*httptest.ResponseRecorder, client.Problem) {
	s.t.Helper()
	req := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, path, nil)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	rec := httptest.NewRecorder()
	s.api.ServeHTTP(rec, req)
	var p client.Problem
	if rec.Code >= 400 {
		if got := rec.Header().Get("Content-Type"); got != "application/problem+json" {
			s.t.Errorf("%s: content type %q", path, got)
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || p.Status != rec.Code {
			s.t.Errorf("%s: %d with %s", path, rec.Code, rec.Body)
		}
	}
	return rec, p
}

const shop = "system:serviceaccount:shop:checkout"

// reviewer plays Kubernetes: whatever it is told is so.
type reviewer struct {
	subject string
	err     error
	check   error
	asked   atomic.Int64
}

func (r *reviewer) Review(context.Context, string, string) (string, error) {
	r.asked.Add(1)
	return r.subject, r.err
}

func (r *reviewer) Check(context.Context) error { return r.check }

func TestEveryRefusalSaysWhy(t *testing.T) {
	s := newStand(t)
	s.use(s.region(func(r *plan.Region) {
		r.API.Authentication[0].ScopesClaim = ""
	}))
	other := newIssuer(t)
	good := func(edit func(claims)) claims {
		c := claims{"iss": s.issuer.url, "aud": "rails", "sub": "ada", "exp": s.clock().Add(time.Minute).Unix()}
		if edit != nil {
			edit(c)
		}
		return c
	}
	set := func(name string, v any) func(claims) { return func(c claims) { c[name] = v } }
	kubernetes := good(set("iss", "https://kubernetes.default.svc"))
	for name, c := range map[string]struct {
		path, authorization string
		subject             string
		review              error
		status              int
		code, says          string
		challenge           string
	}{
		"no token":             {authorization: "", status: 401, code: "unauthenticated", says: "no token", challenge: `Bearer realm="qiantang"`},
		"another scheme":       {authorization: "Basic YTpi", status: 401, code: "unauthenticated", says: "not of the form"},
		"no JWT":               {authorization: "Bearer abc", status: 401, code: "unauthenticated", says: "no JSON Web Token", challenge: `error="invalid_token"`},
		"no JWT, with dots":    {authorization: "Bearer a.!.c", status: 401, code: "unauthenticated", says: "no JSON Web Token"},
		"too long":             {authorization: "Bearer " + strings.Repeat("a", 20<<10), status: 401, code: "unauthenticated", says: "characters"},
		"expired":              {authorization: s.issuer.bearer(good(set("exp", s.clock().Add(-time.Second).Unix()))), status: 401, code: "unauthenticated", says: "expired at 2026-11-23T08:59:59Z"},
		"never expires":        {authorization: s.issuer.bearer(good(func(c claims) { delete(c, "exp") })), status: 401, code: "unauthenticated", says: "never expires"},
		"not yet":              {authorization: s.issuer.bearer(good(set("nbf", s.clock().Add(time.Hour).Unix()))), status: 401, code: "unauthenticated", says: "nbf"},
		"for others":           {authorization: s.issuer.bearer(good(set("aud", []string{"shop", "mail"}))), status: 401, code: "unauthenticated", says: `audience ["shop" "mail"], not "rails"`},
		"of a foreign key":     {authorization: other.bearer(good(nil)), status: 401, code: "unauthenticated", says: "failed to verify"},
		"not signed":           {authorization: unsigned(good(nil)), status: 401, code: "unauthenticated", says: "not good"},
		"signed symmetrically": {authorization: s.issuer.symmetric(good(nil)), status: 401, code: "unauthenticated", says: "not good"},
		"no subject":           {authorization: s.issuer.bearer(good(func(c claims) { delete(c, "sub") })), status: 401, code: "unauthenticated", says: `claim "sub" is missing`},
		"unknown client":       {authorization: s.issuer.bearer(good(set("sub", "eve"))), status: 403, code: "unknown-client", says: `"eve", shown by bank`},
		"another's subject":    {authorization: s.issuer.bearer(good(set("sub", shop))), status: 403, code: "unknown-client", says: "shown by bank"},
		"scope": {path: "/pay", authorization: s.issuer.bearer(good(set("sub", "bob"))), status: 403, code: "insufficient-scope", says: `client bob was not granted scope "payments:write"`,
			challenge: `error="insufficient_scope", scope="payments:write"`},
		"unknown issuer": {authorization: s.issuer.bearer(good(set("iss", "https://elsewhere.example"))), review: &access.Refused{Why: "unknown"}, status: 401, code: "unauthenticated", says: "unknown"},
		"review refuses": {authorization: other.bearer(kubernetes), review: &access.Refused{Why: "revoked"}, status: 401, code: "unauthenticated", says: "revoked"},
		"review fails":   {authorization: s.issuer.bearer(kubernetes), review: errors.New("no route to host"), status: 503, code: "unavailable", says: "cannot be told now"},
		"ServiceAccount's scope": {path: "/list", authorization: s.issuer.bearer(good(func(c claims) { c["iss"], c["jti"] = "x", "1" })), subject: shop,
			status: 403, code: "insufficient-scope", says: `client shop was not granted scope "payments:read"`},
	} {
		t.Run(name, func(t *testing.T) {
			s.tokens.subject, s.tokens.err = c.subject, c.review
			path := c.path
			if path == "" {
				path = "/list"
			}
			rec, p := s.call(path, c.authorization)
			if rec.Code != c.status || p.Code() != c.code || !strings.Contains(p.Detail, c.says) {
				t.Errorf("%d %s: %s", rec.Code, p.Code(), p.Detail)
			}
			challenge := rec.Header().Get("WWW-Authenticate")
			if c.status == 401 && !strings.HasPrefix(challenge, "Bearer ") || !strings.Contains(challenge, c.challenge) {
				t.Errorf("challenge %q", challenge)
			}
			if c.status == 503 && rec.Header().Get("Retry-After") != "1" {
				t.Errorf("Retry-After %q", rec.Header().Get("Retry-After"))
			}
		})
	}
	if rec, p := s.call("/pay", s.issuer.bearer(good(nil))); rec.Code != 204 {
		t.Errorf("ada: %d %s", rec.Code, p.Detail)
	}
	s.tokens.subject, s.tokens.err = shop, nil
	if rec, p := s.call("/pay", s.issuer.bearer(good(func(c claims) { c["iss"], c["jti"] = "x", "2" }))); rec.Code != 204 {
		t.Errorf("shop: %d %s", rec.Code, p.Detail)
	}
}

func TestNothingIsLetInBeforeAPolicyAndEverythingUnderAnOpenOne(t *testing.T) {
	s := newStand(t)
	if rec, p := s.call("/list", ""); rec.Code != 503 || p.Code() != "not-ready" {
		t.Errorf("before: %d %s", rec.Code, p.Code())
	}
	s.use(&plan.Region{})
	if rec, _ := s.call("/list", ""); rec.Code != 204 {
		t.Errorf("open: %d", rec.Code)
	}
	s.use(s.region(nil))
	if rec, _ := s.call("/list", ""); rec.Code != 401 {
		t.Errorf("closed: %d", rec.Code)
	}
}

func TestARateIsKeptPerClientAndOverASwitch(t *testing.T) {
	s := newStand(t)
	s.use(s.region(nil))
	bob := s.issuer.token(s, "bob", nil)
	for range 2 {
		if rec, p := s.call("/list", bob); rec.Code != 204 {
			t.Fatalf("within the burst: %d %s", rec.Code, p.Detail)
		}
	}
	s.use(s.region(func(r *plan.Region) { r.Clients[0].Scopes = []string{"payments:read"} }))
	rec, p := s.call("/list", bob)
	if rec.Code != 429 || p.Code() != "rate-limited" || rec.Header().Get("Retry-After") != "1" || !strings.Contains(p.Detail, "client bob") {
		t.Errorf("beyond it, after a switch: %d %s, Retry-After %q", rec.Code, p.Detail, rec.Header().Get("Retry-After"))
	}
	if rec, _ := s.call("/list", s.issuer.token(s, "ada", nil)); rec.Code != 204 {
		t.Errorf("another client: %d", rec.Code)
	}
	s.advance(time.Second)
	if rec, _ := s.call("/list", bob); rec.Code != 204 {
		t.Errorf("a second later: %d", rec.Code)
	}
	s.use(s.region(func(r *plan.Region) { r.Clients[1].RateLimit, r.Clients[1].Burst = 0, 0 }))
	for range 5 {
		if rec, _ := s.call("/list", bob); rec.Code != 204 {
			t.Errorf("without a limit: %d", rec.Code)
		}
	}
}

func TestATokensOwnScopesNarrow(t *testing.T) {
	s := newStand(t)
	s.use(s.region(func(r *plan.Region) { r.API.Authentication[0].ScopesClaim = "scope" }))
	for name, c := range map[string]struct {
		scope  any
		status int
	}{
		"words":    {"openid payments:read", 204},
		"list":     {[]string{"payments:read"}, 204},
		"others":   {"payments:write", 403},
		"none":     {nil, 403},
		"a number": {7, 401},
	} {
		rec, p := s.call("/list", s.issuer.token(s, "ada", func(m claims) {
			if c.scope != nil {
				m["scope"] = c.scope
			}
		}))
		if rec.Code != c.status {
			t.Errorf("%s: %d %s", name, rec.Code, p.Detail)
		}
	}
}

func TestAnEmailCountsWhenItIsVerified(t *testing.T) {
	s := newStand(t)
	s.use(s.region(func(r *plan.Region) {
		r.API.Authentication[0].UsernameClaim = "email"
		r.Clients[0].Subject = "ada@bank.example"
	}))
	for verified, status := range map[bool]int{true: 204, false: 401} {
		rec, p := s.call("/list", s.issuer.token(s, "x", func(c claims) { c["email"], c["email_verified"] = "ada@bank.example", verified }))
		if rec.Code != status {
			t.Errorf("verified %v: %d %s", verified, rec.Code, p.Detail)
		}
	}
}

func TestATokenIsAskedAboutOnceAWhile(t *testing.T) {
	s := newStand(t)
	s.use(s.region(nil))
	s.tokens.subject = shop
	token := s.issuer.token(s, "x", func(c claims) {
		c["iss"] = "https://kubernetes.default.svc"
		c["exp"] = s.clock().Add(time.Hour).Unix()
	})
	ask := func(want int64, status int) {
		t.Helper()
		for range 3 {
			if rec, p := s.call("/pay", token); rec.Code != status {
				t.Errorf("%d %s", rec.Code, p.Detail)
			}
		}
		if got := s.tokens.asked.Load(); got != want {
			t.Errorf("asked %d times, want %d", got, want)
		}
	}
	ask(1, 204)
	s.use(s.region(nil)) // A switch forgets nothing.
	s.advance(29 * time.Second)
	ask(1, 204)
	s.advance(2 * time.Second)
	s.tokens.err = &access.Refused{Why: "its pod is gone"}
	ask(2, 401)
	s.advance(6 * time.Second)
	s.tokens.err = nil
	ask(3, 204)
	s.advance(time.Minute)
	s.tokens.err = errors.New("away")
	ask(6, 503) // What cannot be told is asked each time.
}

func TestMadeUpTokensFloodNobody(t *testing.T) {
	s := newStand(t)
	s.use(s.region(nil))
	s.tokens.err = &access.Refused{Why: "unknown"}
	limited := 0
	for i := range 300 {
		rec, _ := s.call("/pay", s.issuer.token(s, "x", func(c claims) { c["iss"], c["jti"] = "made-up", i }))
		if rec.Code == 503 {
			limited++
		}
	}
	if asked := s.tokens.asked.Load(); asked != 200 || limited != 100 {
		t.Errorf("asked %d times, limited %d", asked, limited)
	}
}

func TestAnIssuerThatIsAwayComesBack(t *testing.T) {
	s := newStand(t)
	s.issuer.away.Store(true)
	s.use(s.region(nil))
	ada := s.issuer.token(s, "ada", nil)
	for range 2 {
		if rec, p := s.call("/list", ada); rec.Code != 503 || p.Code() != "unavailable" {
			t.Errorf("away: %d %s", rec.Code, p.Detail)
		}
	}
	s.issuer.away.Store(false)
	s.advance(3 * time.Second)
	if rec, p := s.call("/list", ada); rec.Code != 204 {
		t.Errorf("back: %d %s", rec.Code, p.Detail)
	}
	// Known, but its new keys cannot be fetched.
	s.issuer.away.Store(true)
	s.issuer.rotate()
	if rec, p := s.call("/list", s.issuer.token(s, "ada", func(c claims) { c["jti"] = "2" })); rec.Code != 503 {
		t.Errorf("keys away: %d %s", rec.Code, p.Detail)
	}
	s.issuer.away.Store(false)
	if rec, p := s.call("/list", s.issuer.token(s, "ada", func(c claims) { c["jti"] = "3" })); rec.Code != 204 {
		t.Errorf("rotated: %d %s", rec.Code, p.Detail)
	}
}

func TestAPlanThatCannotBeEnforcedIsRefused(t *testing.T) {
	s := newStand(t)
	for says, edit := range map[string]func(*plan.Region){
		"names no authentication": func(r *plan.Region) { r.API.Authentication = nil },
		`type "Basic"`:            func(r *plan.Region) { r.API.Authentication[0].Type = "Basic" },
		`scope "everything"`:      func(r *plan.Region) { r.Clients[0].Scopes = []string{"everything"} },
		"clients ada and bob are": func(r *plan.Region) { r.Clients[1].Subject = "ada" },
		"may not create":          func(*plan.Region) { s.tokens.check = errors.New("may not create reviews") },
	} {
		s.tokens.check = nil
		r := s.region(edit)
		if _, err := s.guard.Prepare(t.Context(), r, s.material); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q in it", err, says)
		}
	}
	alone, err := access.New(access.Options{Clock: s.clock, Log: testr.New(t)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.Prepare(t.Context(), s.region(nil), nil); err == nil || !strings.Contains(err.Error(), "no Kubernetes API server") {
		t.Errorf("without Kubernetes: %v", err)
	}
}

func TestAnOperationWithoutAScopeIsAnError(t *testing.T) {
	api := humago.New(http.NewServeMux(), huma.DefaultConfig("test", "1"))
	huma.Register(api, huma.Operation{OperationID: "erase-everything", Method: http.MethodPost, Path: "/x"}, func(context.Context, *struct{}) (*struct{}, error) {
		return nil, nil
	})
	if err := access.Describe(api); err == nil || !strings.Contains(err.Error(), "erase-everything") {
		t.Errorf("%v", err)
	}
}

func TestATokenOfAnIssuerThatIsNotListedIsRefused(t *testing.T) {
	s := newStand(t)
	s.use(s.region(func(r *plan.Region) { r.API.Authentication = r.API.Authentication[:1] }))
	rec, p := s.call("/list", s.issuer.token(s, "ada", func(c claims) { c["iss"] = "https://elsewhere.example" }))
	if rec.Code != 401 || !strings.Contains(p.Detail, `issuer "https://elsewhere.example"`) {
		t.Errorf("%d %s", rec.Code, p.Detail)
	}
}
