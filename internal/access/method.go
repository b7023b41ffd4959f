package access

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"qiantang.dev/rails/internal/plan"
)

// Identity is who a token speaks for.
type Identity struct {
	Subject string
	// Narrowed says that the token itself limits what may be done, to Scopes.
	Narrowed bool
	Scopes   []string
}

// Authenticator checks tokens. A *Refused says that a token is not good, any other error that it cannot be told now.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Identity, error)
}

// TokenReviewer asks Kubernetes about ServiceAccounts' tokens.
type TokenReviewer interface {
	// Review gives the subject of a token that is good for audience. A *Refused says that it is not good.
	Review(ctx context.Context, token, audience string) (subject string, err error)
	// Check says why tokens can never be reviewed, such as a right that is missing; nil also where that cannot be told now.
	Check(ctx context.Context) error
}

// How long what was found out about a token counts, and of how many tokens it is remembered, good and bad each.
const (
	goodFor       = 30 * time.Second
	badFor        = 5 * time.Second
	maxRemembered = 4096
	// askTimeout bounds a question to an issuer or to Kubernetes.
	askTimeout = 5 * time.Second
	// Questions a second that tokens not yet known may cause, of all callers together, so that made-up tokens flood nobody.
	maxAsked      = 100
	maxAskedBurst = 200
)

// errFlooded says that there are too many new tokens.
var errFlooded = errors.New("too many tokens that are not known yet")

// method is one way to authenticate, with what it remembers.
type method struct {
	plan.Authentication
	// authorities as they were delivered, in PEM; empty: none.
	authorities string
	// asks is for tokens, shown for certificates: one of them is there.
	asks  Authenticator
	shown *certificates
	clock func() time.Time

	good, bad *memory
	limit     *rate.Limiter
	flights   singleflight.Group
}

// authoritiesOf are the certificates that came for a method.
func authoritiesOf(a plan.Authentication, material map[string][]byte) string {
	if !a.Authorities {
		return ""
	}
	return string(material[plan.MaterialAuthorities(a.Name)])
}

func newMethod(a plan.Authentication, authorities string, o Options) (*method, error) {
	m := &method{
		Authentication: a, authorities: authorities, clock: o.Clock, good: newMemory(maxRemembered), bad: newMemory(maxRemembered), limit: rate.NewLimiter(maxAsked, maxAskedBurst),
	}
	switch a.Type {
	case plan.AuthenticationServiceAccount:
		if o.Tokens == nil {
			return nil, fmt.Errorf("authentication %s: type ServiceAccount: there is no Kubernetes API server here that could review tokens", a.Name)
		}
		m.asks = serviceAccounts{o.Tokens, a.Audience}
	case plan.AuthenticationOIDC:
		client := o.Client
		if client == nil {
			client = &http.Client{Timeout: askTimeout}
		}
		if a.Authorities {
			roots, err := pool(a.Name, authorities)
			if err != nil {
				return nil, err
			}
			t := http.DefaultTransport.(*http.Transport).Clone()
			t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
			client = &http.Client{Timeout: askTimeout, Transport: t}
		}
		m.asks = &issuer{Authentication: a, clock: o.Clock, client: client}
	case plan.AuthenticationClientCertificate:
		roots, err := pool(a.Name, authorities)
		if err != nil {
			return nil, err
		}
		switch a.SubjectFrom {
		case plan.CertificateURI, plan.CertificateDNS, plan.CertificateCommonName:
		default:
			return nil, fmt.Errorf("authentication %s: subject from %q: want URI, DNS or CommonName", a.Name, a.SubjectFrom)
		}
		m.shown = &certificates{authorities: roots, subjectFrom: a.SubjectFrom}
	default:
		return nil, fmt.Errorf("authentication %s: type %q: want ServiceAccount, OIDC or ClientCertificate", a.Name, a.Type)
	}
	return m, nil
}

// authenticate finds out whose the token is, or remembers it.
func (m *method) authenticate(ctx context.Context, token string, c claims) (Identity, error) {
	now := m.clock()
	if err := c.fits(m.Audience, now); err != nil {
		return Identity{}, err
	}
	key := sha256.Sum256([]byte(token))
	if e, ok := m.good.get(key, now); ok {
		return e.identity, nil
	}
	if e, ok := m.bad.get(key, now); ok {
		return Identity{}, e.refused
	}
	if !m.limit.AllowN(now, 1) {
		return Identity{}, errFlooded
	}
	flight := m.flights.DoChan(string(key[:]), func() (any, error) {
		// Others may wait for the same answer: it outlives the caller that asked first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		identity, err := m.asks.Authenticate(ctx, token)
		var no *Refused
		switch {
		case err == nil:
			m.good.put(key, entry{identity: identity, until: earlier(now.Add(goodFor), time.Time(*c.Expiry))}, now)
		case errors.As(err, &no):
			m.bad.put(key, entry{refused: no, until: now.Add(badFor)}, now)
		}
		return identity, err
	})
	select {
	case <-ctx.Done():
		return Identity{}, ctx.Err()
	case r := <-flight:
		identity, _ := r.Val.(Identity)
		return identity, r.Err
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// serviceAccounts takes the tokens that Kubernetes says are good.
type serviceAccounts struct {
	reviewer TokenReviewer
	audience string
}

// Authenticate asks for a review.
func (s serviceAccounts) Authenticate(ctx context.Context, token string) (Identity, error) {
	subject, err := s.reviewer.Review(ctx, token, s.audience)
	return Identity{Subject: subject}, err
}
