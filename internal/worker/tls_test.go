package worker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/access/accesstest"
	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
)

// serving runs f on a port until the test ends, and gives its address.
func serving(t *testing.T, f func(context.Context, net.Listener) error) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func fetch(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestHealthIsAskedByPlainHTTPWhateverTheAPIIsServedBy(t *testing.T) {
	w, _ := newWorker(t, RoleRouter, RoleSettler)
	api := serving(t, func(ctx context.Context, l net.Listener) error { return w.Serve(ctx, l, time.Second) })
	health := serving(t, w.ServeHealth)
	plain := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	probes := func() {
		t.Helper()
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			if code, body := fetch(t, plain, "http://"+health+path); code != http.StatusOK {
				t.Errorf("%s: %d %s", path, code, body)
			}
		}
		if code, _ := fetch(t, plain, "http://"+health+"/v1/trial-balance"); code != http.StatusNotFound {
			t.Errorf("the API on the port of health: %d", code)
		}
	}
	open := plan.Region{Institution: "demo", Name: "us-east"}
	if err := w.Switch(t.Context(), sealed(t, open), nil); err != nil {
		t.Fatal(err)
	}
	probes()
	if code, body := fetch(t, plain, "http://"+api+"/v1/trial-balance"); code != http.StatusOK {
		t.Errorf("open: %d %s", code, body)
	}

	ca := accesstest.NewAuthority(t, "all")
	secured := open
	secured.API = &plan.API{TLS: true, Authentication: []plan.Authentication{
		{Name: "mesh", Type: plan.AuthenticationClientCertificate, SubjectFrom: plan.CertificateURI, Authorities: true},
	}}
	secured.Clients = []plan.Client{{Name: "auditor", Authentication: "mesh", Subject: "spiffe://bank/auditor", Scopes: []string{"ledger:read"}}}
	if err := w.Switch(t.Context(), sealed(t, secured), fx.Credentials{}); err == nil || !strings.Contains(err.Error(), "tls.") {
		t.Errorf("without its key pair: %v", err)
	}
	pair := ca.Server(time.Now().Add(time.Hour))
	credentials := fx.Credentials{plan.APIMaterial: {
		plan.MaterialCertificate: pair.Certificate, plan.MaterialKey: pair.Key, plan.MaterialAuthorities("mesh"): ca.PEM,
	}}
	if err := w.Switch(t.Context(), sealed(t, secured), credentials); err != nil {
		t.Fatal(err)
	}
	probes()
	if _, metrics := fetch(t, plain, "http://"+health+"/metrics"); !strings.Contains(metrics, "qiantang_api_certificate_expiration_timestamp_seconds 1") {
		t.Error("no metric says when the certificate expires")
	}
	own := ca.Client(x509.Certificate{URIs: []*url.URL{{Scheme: "spiffe", Host: "bank", Path: "/auditor"}}, NotAfter: time.Now().Add(time.Hour)})
	shown, err := tls.X509KeyPair(own.Certificate, own.Key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{shown}}}}
	if code, body := fetch(t, client, "https://"+api+"/v1/trial-balance"); code != http.StatusOK {
		t.Errorf("with a certificate: %d %s", code, body)
	}

	expired := ca.Server(time.Now().Add(-time.Minute))
	credentials = fx.Credentials{plan.APIMaterial: {
		plan.MaterialCertificate: expired.Certificate, plan.MaterialKey: expired.Key, plan.MaterialAuthorities("mesh"): ca.PEM,
	}}
	if err := w.Switch(t.Context(), sealed(t, secured), credentials); err != nil {
		t.Fatalf("payments under way would stand still: %v", err)
	}
	if code, body := fetch(t, plain, "http://"+health+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "certificate expired") {
		t.Errorf("with an expired certificate: %d %s", code, body)
	}
}
