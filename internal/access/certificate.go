package access

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"qiantang.dev/rails/internal/plan"
)

// certificates takes what clients show when they connect. That a client has the key of its certificate, TLS has found out; whether the
// certificate is good is asked with each request, because a connection may outlive it, and the authorities may be others by now.
type certificates struct {
	authorities *x509.CertPool
	subjectFrom string
}

// pool reads the authorities' certificates of a method.
func pool(method, authorities string) (*x509.CertPool, error) {
	out := x509.NewCertPool()
	if !out.AppendCertsFromPEM([]byte(authorities)) {
		return nil, fmt.Errorf("authentication %s: there is no certificate in PEM among its authorities", method)
	}
	return out, nil
}

// identify finds out whose the chain is, and until when that counts. A *Refused says why it is not good.
func (c *certificates) identify(chain []*x509.Certificate, now time.Time) (Identity, time.Time, error) {
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	leaf := chain[0]
	trusted, err := leaf.Verify(x509.VerifyOptions{
		Roots: c.authorities, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return Identity{}, time.Time{}, refused("the certificate is not good: %s", strings.TrimPrefix(err.Error(), "x509: "))
	}
	var names []string
	switch c.subjectFrom {
	case plan.CertificateURI:
		for _, u := range leaf.URIs {
			names = append(names, u.String())
		}
	case plan.CertificateDNS:
		names = leaf.DNSNames
	case plan.CertificateCommonName:
		if leaf.Subject.CommonName != "" {
			names = []string{leaf.Subject.CommonName}
		}
	}
	if len(names) != 1 || names[0] == "" {
		return Identity{}, time.Time{}, refused("the certificate has %d names of kind %s, exactly one is wanted", len(names), c.subjectFrom)
	}
	until := leaf.NotAfter
	for _, cert := range trusted[0] {
		until = earlier(until, cert.NotAfter)
	}
	return Identity{Subject: names[0]}, until, nil
}

// recognize is identify, remembered as what tokens say is.
func (m *method) recognize(chain []*x509.Certificate) (Identity, error) {
	now := m.clock()
	h := sha256.New()
	for _, cert := range chain {
		_, _ = h.Write(cert.Raw) // A hash takes everything.
	}
	key := [sha256.Size]byte(h.Sum(nil))
	if e, ok := m.good.get(key, now); ok {
		return e.identity, nil
	}
	if e, ok := m.bad.get(key, now); ok {
		return Identity{}, e.refused
	}
	identity, until, err := m.shown.identify(chain, now)
	var no *Refused
	switch {
	case err == nil:
		m.good.put(key, entry{identity: identity, until: earlier(now.Add(goodFor), until)}, now)
	case errors.As(err, &no):
		m.bad.put(key, entry{refused: no, until: now.Add(badFor)}, now)
	}
	return identity, err
}

// identifyCertificate asks each method that takes certificates whose it is; the first that knows decides.
func (p *Policy) identifyCertificate(state *tls.ConnectionState) (*method, Identity, *refusal) {
	var why error
	for _, m := range p.methods {
		if m.shown == nil {
			continue
		}
		identity, err := m.recognize(state.PeerCertificates)
		if err == nil {
			return m, identity, nil
		}
		if why == nil {
			why = fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil, Identity{}, badCertificate(why.Error())
}

// takesCertificates says whether there is a method for them.
func (p *Policy) takesCertificates() bool {
	for _, m := range p.methods {
		if m.shown != nil {
			return true
		}
	}
	return false
}
