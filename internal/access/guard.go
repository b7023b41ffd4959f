package access

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"qiantang.dev/rails/internal/plan"
)

// Options of a Guard. Clock is required.
type Options struct {
	Clock func() time.Time
	Log   logr.Logger
	// Metrics are registered here; nil: nowhere.
	Metrics prometheus.Registerer
	// Client reaches issuers; nil: one with a time-out.
	Client *http.Client
	// Tokens reviews ServiceAccounts' tokens; nil: plans that want it are refused.
	Tokens TokenReviewer
}

// Guard stands before the API's operations. It lets nothing in before Use.
type Guard struct {
	opt       Options
	policy    atomic.Pointer[Policy]
	decisions *prometheus.CounterVec
	expiry    prometheus.Gauge
}

// Policy is who may do what under one plan, and what the API is served with.
type Policy struct {
	open    bool
	serving *serving // nil: plain HTTP
	methods []*method
	callers map[who]*caller
}

// who is a subject, as one method shows it.
type who struct{ authentication, subject string }

// caller is a client of the plan, with its bucket.
type caller struct {
	name   string
	scopes map[Scope]bool
	limit  *rate.Limiter // nil: none
}

// New makes a Guard without a policy.
func New(o Options) (*Guard, error) {
	g := &Guard{opt: o, decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "qiantang_api_access_total", Help: "Requests by client (empty: not known) and what was decided about them.",
	}, []string{"client", "decision"}), expiry: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "qiantang_api_certificate_expiration_timestamp_seconds",
		Help: "When the certificate expires that the API is served with, in seconds since 1970; 0 with plain HTTP.",
	})}
	if o.Metrics != nil {
		for _, c := range []prometheus.Collector{g.decisions, g.expiry} {
			if err := o.Metrics.Register(c); err != nil {
				return nil, fmt.Errorf("access: %w", err)
			}
		}
	}
	return g, nil
}

// Prepare makes the policy of a plan, without using it yet. material is the entry plan.APIMaterial of the credentials. What the policy in
// use remembers of tokens and rates goes on in it.
func (g *Guard) Prepare(ctx context.Context, r *plan.Region, material map[string][]byte) (*Policy, error) {
	if r.API == nil {
		return &Policy{open: true}, nil
	}
	if len(r.API.Authentication) == 0 {
		return nil, errors.New("access: the plan's api names no authentication")
	}
	last := g.policy.Load()
	if last == nil {
		last = &Policy{}
	}
	p := &Policy{callers: make(map[who]*caller, len(r.Clients))}
	if r.API.TLS {
		var err error
		if p.serving, err = last.servingOf(material); err != nil {
			return nil, fmt.Errorf("access: %w", err)
		}
	}
	for _, a := range r.API.Authentication {
		authorities := authoritiesOf(a, material)
		m := last.method(a, authorities)
		if m == nil {
			var err error
			if m, err = newMethod(a, authorities, g.opt); err != nil {
				return nil, fmt.Errorf("access: %w", err)
			}
			if a.Type == plan.AuthenticationServiceAccount {
				if err := g.opt.Tokens.Check(ctx); err != nil {
					return nil, fmt.Errorf("access: authentication %s: %w", a.Name, err)
				}
			}
		}
		p.methods = append(p.methods, m)
	}
	for _, c := range r.Clients {
		granted, err := scopesOf(c.Name, c.Scopes)
		if err != nil {
			return nil, fmt.Errorf("access: %w", err)
		}
		id := who{c.Authentication, c.Subject}
		if other, taken := p.callers[id]; taken {
			return nil, fmt.Errorf("access: clients %s and %s are both %q of %s", other.name, c.Name, c.Subject, c.Authentication)
		}
		p.callers[id] = &caller{name: c.Name, scopes: granted, limit: last.bucket(id, c)}
	}
	return p, nil
}

// Use puts a policy in use, for all requests that come from now on.
func (g *Guard) Use(p *Policy) {
	g.policy.Store(p)
	g.expiry.Set(0)
	if p.serving != nil {
		g.expiry.Set(float64(p.serving.expires.Unix()))
	}
}

// method is the one for a, where there is one that is just so.
func (p *Policy) method(a plan.Authentication, authorities string) *method {
	for _, m := range p.methods {
		if m.Authentication == a && m.authorities == authorities {
			return m
		}
	}
	return nil
}

// bucket is the client's, with what is left in it where its limit has not changed.
func (p *Policy) bucket(id who, c plan.Client) *rate.Limiter {
	if c.RateLimit == 0 {
		return nil
	}
	if had := p.callers[id]; had != nil && had.limit != nil && had.limit.Limit() == rate.Limit(c.RateLimit) && had.limit.Burst() == int(c.Burst) {
		return had.limit
	}
	return rate.NewLimiter(rate.Limit(c.RateLimit), int(c.Burst))
}

// Middleware lets an operation run, or answers why not.
func (g *Guard) Middleware(ctx huma.Context, next func(huma.Context)) {
	if no := g.admit(ctx.Context(), ctx.Operation().OperationID, ctx.Header("Authorization"), ctx.TLS()); no != nil {
		no.write(ctx)
		return
	}
	next(ctx)
}

// admit decides about one request; nil lets it in.
func (g *Guard) admit(ctx context.Context, operation, header string, state *tls.ConnectionState) *refusal {
	p := g.policy.Load()
	if p == nil {
		return notReady()
	}
	if p.open {
		return nil
	}
	m, identity, no := p.identify(ctx, header, state)
	if no != nil {
		if no.cause != nil {
			g.opt.Log.Error(no.cause, "cannot authenticate")
		}
		return g.decided("", no)
	}
	c := p.callers[who{m.Name, identity.Subject}]
	if c == nil {
		return g.decided("", unknownClient(m.Name, identity.Subject))
	}
	if wait := c.wait(g.opt.Clock()); wait > 0 {
		return g.decided(c.name, tooMany(c.name, wait))
	}
	scope, ok := needed[operation]
	if !ok || !c.scopes[scope] {
		return g.decided(c.name, outOfScope(c.name, "was not granted", scope))
	}
	if identity.Narrowed && !holds(identity.Scopes, scope) {
		return g.decided(c.name, outOfScope(c.name, "has a token without", scope))
	}
	return g.decided(c.name, nil)
}

func (g *Guard) decided(client string, no *refusal) *refusal {
	decision := "allowed"
	if no != nil {
		decision = no.code
	}
	g.decisions.WithLabelValues(client, decision).Inc()
	return no
}

// identify finds the method that the token is for, and asks it whose it is. Without a token the certificate counts, if one was shown:
// what a caller sends with the request itself says more than what it, or a proxy of its own, connects with.
func (p *Policy) identify(ctx context.Context, header string, state *tls.ConnectionState) (*method, Identity, *refusal) {
	if certified := p.takesCertificates(); certified && header == "" {
		if state == nil || len(state.PeerCertificates) == 0 {
			return nil, Identity{}, noToken("neither a client certificate nor a token: connect with the one, or send the other as Authorization: Bearer TOKEN")
		}
		return p.identifyCertificate(state)
	}
	token, err := bearerToken(header)
	if err != nil {
		return nil, Identity{}, noToken(err.Error())
	}
	said, err := peek(token)
	if err != nil {
		return nil, Identity{}, badToken(err.Error())
	}
	var why, away error
	for _, m := range p.takers(said.Issuer) {
		identity, err := m.authenticate(ctx, token, said)
		if err == nil {
			return m, identity, nil
		}
		var no *Refused
		if errors.As(err, &no) {
			why = err
		} else {
			away = err
		}
	}
	switch {
	case away != nil:
		return nil, Identity{}, cannotTell(away)
	case why != nil:
		return nil, Identity{}, badToken(why.Error())
	}
	return nil, Identity{}, badToken(fmt.Sprintf("the token is of issuer %q, which is not accepted here", said.Issuer))
}

// takers are the methods that a token of issuer is for: the issuer's own, or else Kubernetes, whose name is not known here.
func (p *Policy) takers(issuer string) []*method {
	var own, kubernetes []*method
	for _, m := range p.methods {
		switch {
		case m.Type == plan.AuthenticationServiceAccount:
			kubernetes = append(kubernetes, m)
		case m.Type == plan.AuthenticationOIDC && m.Issuer == issuer:
			own = append(own, m)
		}
	}
	if own != nil {
		return own
	}
	return kubernetes
}

// wait is how long the client must, zero where it may go on.
func (c *caller) wait(now time.Time) time.Duration {
	if c.limit == nil {
		return 0
	}
	r := c.limit.ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d > 0 {
		r.CancelAt(now)
	}
	return d
}

func holds(list []string, s Scope) bool {
	for _, x := range list {
		if x == string(s) {
			return true
		}
	}
	return false
}
