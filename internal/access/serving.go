package access

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"qiantang.dev/rails/internal/plan"
)

// serving is the key pair that the API is served with.
type serving struct {
	config        *tls.Config
	from, expires time.Time
	// source is the hash of what it was made of.
	source [sha256.Size]byte
}

// newServing reads the key pair. Its errors name keys, never what they hold.
func newServing(material map[string][]byte) (*serving, error) {
	certificate, key := material[plan.MaterialCertificate], material[plan.MaterialKey]
	for name, value := range map[string][]byte{plan.MaterialCertificate: certificate, plan.MaterialKey: key} {
		if len(value) == 0 {
			return nil, fmt.Errorf("tls: %s is missing or empty", name)
		}
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("tls: %s and %s are no key pair: %w", plan.MaterialCertificate, plan.MaterialKey, err)
	}
	return &serving{
		config: &tls.Config{
			Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
			// A certificate is asked for, not demanded, and judged with the request: there are callers with tokens, and whoever is refused is
			// to be told why.
			ClientAuth: tls.RequestClientCert,
		},
		from: pair.Leaf.NotBefore, expires: pair.Leaf.NotAfter, source: servingSource(material),
	}, nil
}

func servingSource(material map[string][]byte) [sha256.Size]byte {
	certificate, key := sha256.Sum256(material[plan.MaterialCertificate]), sha256.Sum256(material[plan.MaterialKey])
	return sha256.Sum256(append(certificate[:], key[:]...))
}

// serving is that of the policy, where it still is the material's; else a new one.
func (p *Policy) servingOf(material map[string][]byte) (*serving, error) {
	if p.serving != nil && p.serving.source == servingSource(material) {
		return p.serving, nil
	}
	return newServing(material)
}

// Ready says why no client can reach the API safely: its certificate has expired, or does not count yet. Nil before a policy is in use.
func (g *Guard) Ready() error {
	p := g.policy.Load()
	if p == nil || p.serving == nil {
		return nil
	}
	switch now := g.opt.Clock(); {
	case now.After(p.serving.expires):
		return fmt.Errorf("the API's certificate expired at %s", p.serving.expires.UTC().Format(time.RFC3339))
	case now.Before(p.serving.from):
		return fmt.Errorf("the API's certificate counts from %s only", p.serving.from.UTC().Format(time.RFC3339))
	}
	return nil
}

// Listener is l, with connections that speak TLS where the policy in use when they come in says so.
func (g *Guard) Listener(l net.Listener) net.Listener { return listener{l, g} }

type listener struct {
	net.Listener
	guard *Guard
}

// Accept waits for the next connection. Hands are shaken when it is first read, so that a slow client keeps nobody waiting.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if p := l.guard.policy.Load(); p != nil && p.serving != nil {
		return tls.Server(c, p.serving.config), nil
	}
	return c, nil
}

// Secured lets through to next what came in as the policy in use wants it.
func (g *Guard) Secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := g.policy.Load(); p != nil && p.serving != nil && r.TLS == nil {
			w.Header().Set("Connection", "close")
			w.Header().Set("Content-Type", "application/problem+json")
			no := plainHTTP()
			w.WriteHeader(no.status)
			no.encode(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}
