package access_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/access/accesstest"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/pkg/client"
)

const checkout = "spiffe://cluster.local/ns/shop/sa/checkout"

func uri(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// secured is a stand whose API is served by TLS, on a real socket, to clients with certificates of a second authority.
type secured struct {
	*stand
	url             string
	servers, owners *accesstest.Authority
}

func newSecured(t *testing.T) *secured {
	t.Helper()
	s := &secured{stand: newStand(t), servers: accesstest.NewAuthority(t, "servers"), owners: accesstest.NewAuthority(t, "clients")}
	s.renew()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.guard.Secured(s.api), ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(s.guard.Listener(l)) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	s.url = "https://" + l.Addr().String()
	return s
}

// renew makes another key pair and delivers it with the clients' authorities; a plan must be used for it to count.
func (s *secured) renew() {
	pair := s.servers.Server(s.clock().Add(time.Hour))
	s.material = map[string][]byte{
		plan.MaterialCertificate: pair.Certificate, plan.MaterialKey: pair.Key, plan.MaterialAuthorities("mesh"): s.owners.PEM,
	}
}

func (s *secured) plan(edit func(*plan.Region)) *plan.Region {
	return s.region(func(r *plan.Region) {
		r.API.TLS = true
		r.API.Authentication = append(r.API.Authentication, plan.Authentication{
			Name: "mesh", Type: plan.AuthenticationClientCertificate, SubjectFrom: plan.CertificateURI, Authorities: true,
		})
		r.Clients = append(r.Clients, plan.Client{Name: "checkout", Authentication: "mesh", Subject: checkout, Scopes: []string{"payments:write"}, RateLimit: 5, Burst: 5})
		if edit != nil {
			edit(r)
		}
	})
}

// with is a client that shows a pair (nil: none), and that trusts the servers' authority at a time of the stand.
func (s *secured) with(pair *accesstest.Pair) *http.Client {
	s.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.servers.PEM)
	config := &tls.Config{RootCAs: roots, Time: s.clock}
	if pair != nil {
		c, err := tls.X509KeyPair(pair.Certificate, pair.Key)
		if err != nil {
			s.t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{c}
	}
	t := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	s.t.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t}
}

func (s *secured) ask(c *http.Client, path, authorization string) (*http.Response, client.Problem) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := c.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var p client.Problem
	if res.StatusCode >= 400 {
		if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
			s.t.Errorf("%s: %d: %v", path, res.StatusCode, err)
		}
	}
	return res, p
}

func (s *secured) client(a *accesstest.Authority, edit func(*x509.Certificate)) *accesstest.Pair {
	s.t.Helper()
	c := x509.Certificate{URIs: []*url.URL{uri(s.t, checkout)}, NotAfter: s.clock().Add(10 * time.Minute)}
	if edit != nil {
		edit(&c)
	}
	p := a.Client(c)
	return &p
}

func TestACertificateIsAsGoodAsAToken(t *testing.T) {
	s := newSecured(t)
	s.use(s.plan(nil))
	if res, p := s.ask(s.with(s.client(s.owners, nil)), "/pay", ""); res.StatusCode != http.StatusNoContent || res.ProtoMajor != 2 {
		t.Errorf("its own: %d %s (%s)", res.StatusCode, p.Detail, res.Proto)
	}
	if res, p := s.ask(s.with(nil), "/pay", s.issuer.token(s.stand, "ada", nil)); res.StatusCode != http.StatusNoContent {
		t.Errorf("a token over TLS: %d %s", res.StatusCode, p.Detail)
	}
	// A token that is sent decides, whatever the connection shows.
	if res, p := s.ask(s.with(s.client(s.owners, nil)), "/pay", s.issuer.token(s.stand, "bob", nil)); res.StatusCode != http.StatusForbidden || !strings.Contains(p.Detail, "bob") {
		t.Errorf("both: %d %s", res.StatusCode, p.Detail)
	}
	between := s.owners.Between("team")
	pair := s.client(between, nil)
	pair.Certificate = append(pair.Certificate, between.PEM...)
	if res, p := s.ask(s.with(pair), "/pay", ""); res.StatusCode != http.StatusNoContent {
		t.Errorf("with an authority between: %d %s", res.StatusCode, p.Detail)
	}
}

func TestEveryRefusalOfACertificateSaysWhy(t *testing.T) {
	s := newSecured(t)
	s.use(s.plan(nil))
	tests := map[string]struct {
		pair   *accesstest.Pair
		path   string
		status int
		code   string
		says   string
	}{
		"none":          {nil, "/pay", 401, "unauthenticated", "neither a client certificate nor a token"},
		"wrong CA":      {s.client(accesstest.NewAuthority(t, "elsewhere"), nil), "/pay", 401, "unauthenticated", "mesh: the certificate is not good: certificate signed by unknown authority"},
		"expired":       {s.client(s.owners, func(c *x509.Certificate) { c.NotAfter = s.clock().Add(-time.Second) }), "/pay", 401, "unauthenticated", "certificate has expired"},
		"not yet":       {s.client(s.owners, func(c *x509.Certificate) { c.NotBefore = s.clock().Add(time.Minute) }), "/pay", 401, "unauthenticated", "not yet valid"},
		"not listed":    {s.client(s.owners, func(c *x509.Certificate) { c.URIs[0] = uri(t, "spiffe://cluster.local/ns/shop/sa/other") }), "/pay", 403, "unknown-client", "ns/shop/sa/other"},
		"no URI":        {s.client(s.owners, func(c *x509.Certificate) { c.URIs, c.DNSNames = nil, []string{"checkout"} }), "/pay", 401, "unauthenticated", "0 names of kind URI"},
		"two URIs":      {s.client(s.owners, func(c *x509.Certificate) { c.URIs = append(c.URIs, uri(t, "spiffe://x/y")) }), "/pay", 401, "unauthenticated", "2 names of kind URI"},
		"scope":         {s.client(s.owners, nil), "/list", 403, "insufficient-scope", "payments:read"},
		"for servers":   {serverPair(s), "/pay", 401, "unauthenticated", "incompatible key usage"},
		"only via, bad": {s.client(s.owners.Between("team"), nil), "/pay", 401, "unauthenticated", "unknown authority"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := s.with(tt.pair)
			for range 2 { // The second is answered from memory.
				res, p := s.ask(c, tt.path, "")
				if res.StatusCode != tt.status || !strings.HasSuffix(p.Type, tt.code) || !strings.Contains(p.Detail, tt.says) {
					t.Errorf("%d %s: %s", res.StatusCode, p.Type, p.Detail)
				}
				if tt.status == 401 && res.Header.Get("WWW-Authenticate") == "" {
					t.Error("no challenge")
				}
			}
		})
	}
}

func serverPair(s *secured) *accesstest.Pair {
	p := s.owners.Issue(&x509.Certificate{
		URIs: []*url.URL{uri(s.t, checkout)}, NotAfter: s.clock().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return &p
}

func TestOtherNamesOfACertificateMayBeTheSubject(t *testing.T) {
	for from, subject := range map[string]string{plan.CertificateDNS: "checkout.shop.example", plan.CertificateCommonName: "checkout"} {
		t.Run(from, func(t *testing.T) {
			s := newSecured(t)
			s.use(s.plan(func(r *plan.Region) {
				r.API.Authentication[2].SubjectFrom, r.Clients[3].Subject = from, subject
			}))
			pair := s.client(s.owners, func(c *x509.Certificate) {
				c.DNSNames, c.Subject = []string{"checkout.shop.example"}, pkix.Name{CommonName: "checkout"}
			})
			if res, p := s.ask(s.with(pair), "/pay", ""); res.StatusCode != http.StatusNoContent {
				t.Errorf("%d %s", res.StatusCode, p.Detail)
			}
		})
	}
}

func TestACertificateIsJudgedWithEachRequestOfAConnection(t *testing.T) {
	s := newSecured(t)
	s.use(s.plan(nil))
	kept := s.with(s.client(s.owners, nil))
	if res, p := s.ask(kept, "/pay", ""); res.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", res.StatusCode, p.Detail)
	}
	s.use(s.plan(func(r *plan.Region) { r.Clients = r.Clients[:3] }))
	if res, p := s.ask(kept, "/pay", ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("taken off the list: %d %s", res.StatusCode, p.Detail)
	}
	s.use(s.plan(nil))
	trusted := s.material[plan.MaterialAuthorities("mesh")]
	s.material[plan.MaterialAuthorities("mesh")] = accesstest.NewAuthority(t, "next").PEM
	s.use(s.plan(nil))
	if res, p := s.ask(kept, "/pay", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("of an authority that no longer counts: %d %s", res.StatusCode, p.Detail)
	}
	s.material[plan.MaterialAuthorities("mesh")] = trusted
	s.use(s.plan(nil))
	s.advance(11 * time.Minute)
	if res, p := s.ask(kept, "/pay", ""); res.StatusCode != http.StatusUnauthorized || !strings.Contains(p.Detail, "expired") {
		t.Errorf("outlived: %d %s", res.StatusCode, p.Detail)
	}
}

func TestAClientsRateCountsWithCertificatesToo(t *testing.T) {
	s := newSecured(t)
	s.use(s.plan(nil))
	c := s.with(s.client(s.owners, nil))
	for range 5 {
		if res, p := s.ask(c, "/pay", ""); res.StatusCode != http.StatusNoContent {
			t.Fatalf("%d %s", res.StatusCode, p.Detail)
		}
	}
	if res, _ := s.ask(c, "/pay", ""); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestARenewedKeyPairIsServedAndABadOneIsNot(t *testing.T) {
	s := newSecured(t)
	s.use(s.plan(nil))
	serial := func() string {
		t.Helper()
		res, p := s.ask(s.with(s.client(s.owners, nil)), "/pay", "")
		if res.StatusCode != http.StatusNoContent {
			t.Fatalf("%d %s", res.StatusCode, p.Detail)
		}
		return res.TLS.PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	s.renew()
	s.use(s.plan(nil))
	second := serial()
	if first == second {
		t.Error("the renewed certificate is not served")
	}
	good := s.material
	other := s.servers.Server(s.clock().Add(time.Hour))
	for what, bad := range map[string]map[string][]byte{
		"another's key":  {"tls.crt": other.Certificate, "tls.key": good["tls.key"]},
		"no key":         {"tls.crt": other.Certificate},
		"no certificate": {"tls.key": other.Key},
		"nothing":        nil,
		"garbage":        {"tls.crt": []byte("s3cret"), "tls.key": []byte("s3cret")},
		"no authorities": {"tls.crt": other.Certificate, "tls.key": other.Key},
		"authorities that are none": {"tls.crt": other.Certificate, "tls.key": other.Key,
			"ca.mesh": []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")},
	} {
		_, err := s.guard.Prepare(t.Context(), s.plan(nil), bad)
		if err == nil || !strings.Contains(err.Error(), "tls") && !strings.Contains(err.Error(), "mesh") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if serial() != second {
		t.Error("the last good pair is not served any more")
	}
	if err := s.guard.Ready(); err != nil {
		t.Error(err)
	}
	s.advance(2 * time.Hour)
	if err := s.guard.Ready(); err == nil || !strings.Contains(err.Error(), "expired at 2026-11-23T10:00:00Z") {
		t.Errorf("with an expired certificate: %v", err)
	}
}

func TestPlainHTTPEndsWhereTLSBegins(t *testing.T) {
	s := newSecured(t)
	s.use(s.region(nil))
	plain := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(plain.CloseIdleConnections)
	s.url = strings.Replace(s.url, "https", "http", 1)
	token := s.issuer.token(s.stand, "ada", nil)
	if res, p := s.ask(plain, "/pay", token); res.StatusCode != http.StatusNoContent {
		t.Fatalf("before: %d %s", res.StatusCode, p.Detail)
	}
	s.use(s.plan(nil))
	// The connection from before is kept by the client, and closed with the answer.
	if res, p := s.ask(plain, "/pay", token); res.StatusCode != http.StatusBadRequest || !strings.HasSuffix(p.Type, "tls-required") || !res.Close {
		t.Errorf("on a kept connection: %d %s", res.StatusCode, p.Type)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/pay", nil)
	if res, err := plain.Do(req); err == nil {
		_ = res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("on a new connection: %d", res.StatusCode)
		}
	}
	s.url = strings.Replace(s.url, "http", "https", 1)
	old := s.with(nil)
	old.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS11
	old.Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS10
	req, _ = http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/pay", nil)
	if res, err := old.Do(req); err == nil {
		_ = res.Body.Close()
		t.Error("TLS 1.1 was taken")
	}
	s.use(s.region(nil))
	s.url = strings.Replace(s.url, "https", "http", 1)
	if res, p := s.ask(plain, "/pay", token); res.StatusCode != http.StatusNoContent {
		t.Errorf("plain again: %d %s", res.StatusCode, p.Detail)
	}
}

func TestAnIssuerWithAPrivateAuthority(t *testing.T) {
	s := newStand(t)
	private := accesstest.NewAuthority(t, "intranet")
	pair := private.Server(time.Now().Add(time.Hour))
	c, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s.issuer.server.Config.Handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{c}}
	server.StartTLS()
	t.Cleanup(server.Close)
	s.issuer.url = server.URL
	bank := func(r *plan.Region) { r.API.Authentication[0].Authorities = true }
	s.material = map[string][]byte{plan.MaterialAuthorities("bank"): accesstest.NewAuthority(t, "elsewhere").PEM}
	s.use(s.region(bank))
	if rec, _ := s.call("/pay", s.issuer.token(s, "ada", nil)); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("the issuer is of another authority: %d", rec.Code)
	}
	s.material[plan.MaterialAuthorities("bank")] = private.PEM
	s.use(s.region(bank))
	if rec, p := s.call("/pay", s.issuer.token(s, "ada", nil)); rec.Code != http.StatusNoContent {
		t.Errorf("%d %s", rec.Code, p.Detail)
	}
	s.material = nil
	if _, err := s.guard.Prepare(t.Context(), s.region(bank), nil); err == nil || !strings.Contains(err.Error(), "authentication bank") {
		t.Errorf("without the authorities: %v", err)
	}
}
