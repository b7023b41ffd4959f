package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/access/accesstest"
	"qiantang.dev/rails/pkg/client"
)

func TestARenewedCertificateIsShown(t *testing.T) {
	ca := accesstest.NewAuthority(t, "all")
	var shown []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, r.TLS.PeerCertificates[0].DNSNames[0])
		w.Header().Set("Connection", "close")
		_, _ = w.Write([]byte("{}"))
	}))
	pair := ca.Server(time.Now().Add(time.Hour))
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)

	dir := t.TempDir()
	files := client.TLSFiles{CA: filepath.Join(dir, "ca.crt"), Certificate: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	if err := os.WriteFile(files.CA, ca.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Transport(); err == nil || !strings.Contains(err.Error(), "tls.crt") {
		t.Errorf("without the certificate: %v", err)
	}
	issue := func(name string) {
		ca.Client(x509.Certificate{DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}).Files(t, dir)
	}
	issue("first")
	transport, err := files.Transport()
	if err != nil {
		t.Fatal(err)
	}
	api, err := client.New(server.URL, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"first", "second"} {
		issue(name)
		if _, err := api.Corridors(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Join(shown, " ") != "first second" {
		t.Errorf("shown: %v", shown)
	}
	stranger, err := client.New(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger.Retries = 0
	if _, err := stranger.Corridors(t.Context()); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("without the authority: %v", err)
	}
}

func TestFilesThatAreNoneAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, f := range map[string]client.TLSFiles{
		"no certificate in PEM": {CA: path}, "no such file": {CA: path + "x"}, "both, or neither": {Key: path}, "failed to find": {Certificate: path, Key: path},
	} {
		if _, err := f.Transport(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
