package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/access/accesstest"
	"qiantang.dev/rails/pkg/client"
)

// closeRegions closes the API of every sample region, by TLS.
func closeRegions(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "30-regions.yaml")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	closed := regexp.MustCompile(`(?m)^spec:$`).ReplaceAllString(string(b), `spec:
  api:
    tls: {secretRef: {name: api-tls}}
    authentication: [{name: mesh, type: ClientCertificate, clientCertificate: {caSecretRef: {name: api-tls}}}]
    clients: [{name: shop, authentication: mesh, subject: "spiffe://bank/shop", scopes: ["quotes:read", "accounts:write", "payments:read", "ledger:read", "settlement:read"]}]`)
	if closed == string(b) {
		t.Fatal("no region in " + path)
	}
	if err := os.WriteFile(path, []byte(closed), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeSecret(t *testing.T, dir string, ca *accesstest.Authority) {
	t.Helper()
	pair := ca.Server(time.Now().Add(time.Hour))
	text := "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: {name: api-tls, namespace: demo}\ndata:\n"
	for key, value := range map[string][]byte{"tls.crt": pair.Certificate, "tls.key": pair.Key, "ca.crt": ca.PEM} {
		text += "  " + key + ": " + base64.StdEncoding.EncodeToString(value) + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "99-tls.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestUpPayAndReportByMutualTLS(t *testing.T) {
	ca := accesstest.NewAuthority(t, "bank")
	dir, _, out := startUpWith(t, func(dir string) {
		closeRegions(t, dir)
		writeSecret(t, dir, ca)
	})
	address := regexp.MustCompile(`API +(https://\S+)/v1/corridors`).FindStringSubmatch(out.String())
	if address == nil {
		t.Fatalf("it does not say https: %s", out)
	}
	files := t.TempDir()
	call := callFlags{tls: client.TLSFiles{CA: filepath.Join(files, "ca.crt")}}
	if err := os.WriteFile(call.tls.CA, ca.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	call.tls.Certificate, call.tls.Key = ca.Client(x509.Certificate{
		URIs: []*url.URL{{Scheme: "spiffe", Host: "bank", Path: "/shop"}}, NotAfter: time.Now().Add(time.Hour),
	}).Files(t, files)

	f := payFlags{callFlags: call, url: address[1], fund: []string{"acme:USD:100.00"}}
	var said bytes.Buffer
	if err := f.run(t.Context(), nil, &said); err != nil || !strings.Contains(said.String(), "customer:acme:USD") {
		t.Errorf("pay: %v, %s", err, said.String())
	}
	f.tls.Certificate, f.tls.Key = "", ""
	if err := f.run(t.Context(), nil, &said); err == nil || !strings.Contains(err.Error(), "neither a client certificate nor a token") {
		t.Errorf("pay without a certificate: %v", err)
	}
	f.tls.Key = call.tls.Key
	if err := f.run(t.Context(), nil, &said); err == nil || !strings.Contains(err.Error(), "--client-cert") {
		t.Errorf("pay with half a pair: %v", err)
	}
	c := newReportCommand()
	c.SetOut(&said)
	c.SetArgs([]string{"--url", address[1], "--ca-file", call.tls.CA, "--client-cert", call.tls.Certificate, "--client-key", call.tls.Key})
	if err := c.ExecuteContext(t.Context()); err != nil || !strings.Contains(said.String(), "every currency sums to zero") {
		t.Errorf("report: %v, %s", err, said.String())
	}

	writeSecret(t, dir, ca) // another key pair
	until(t, "the renewed key pair is served", func() bool { return strings.Contains(out.String(), "with other credentials") })
	if err := os.Remove(filepath.Join(dir, "99-tls.yaml")); err != nil {
		t.Fatal(err)
	}
	until(t, "a missing key pair is said", func() bool { return strings.Contains(out.String(), "is missing or empty: revision") })
	f.callFlags = call
	if err := f.run(t.Context(), nil, &said); err != nil {
		t.Errorf("the last good pair is not served: %v", err)
	}
}
