package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
)

// MaxBody bounds a provider's answer, in bytes.
const MaxBody = 1 << 20

// Client talks to one provider's endpoint. It is safe for concurrent use.
type Client struct {
	provider string
	base     *url.URL
	http     http.Client
	secrets  []string
}

// New makes a Client for an http or https endpoint, which may have a path. Secrets are kept out of errors.
func New(provider, endpoint string, client *http.Client, secrets ...string) (*Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("provider %s: endpoint %q: want http:// or https:// and a host", provider, scrubURL(u))
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("provider %s: endpoint %q: must have no user, query or fragment", provider, scrubURL(u))
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	c := &Client{provider: provider, base: u}
	if client != nil {
		c.http = *client
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, s := range secrets {
		if len(s) >= 4 {
			c.secrets = append(c.secrets, s)
		}
	}
	return c, nil
}

func scrubURL(u *url.URL) string {
	if u == nil {
		return "(unreadable)"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// Provider is the name that errors carry.
func (c *Client) Provider() string { return c.provider }

// Path is the absolute path under which the provider sees p: what signatures cover.
func (c *Client) Path(p string) string { return c.base.Path + p }

// Call is one request.
type Call struct {
	// Op is quote, lock, pay or query. Moves marks requests that may move money.
	Op    string
	Moves bool
	// Method, and Path below the endpoint.
	Method, Path string
	Header       http.Header
	Body         []byte
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends the call. The error, where there is no whole answer, is an *fx.Error.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	var wrote atomic.Bool
	if call.Moves {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	}
	u := *c.base
	u.Path += call.Path
	var body io.Reader
	if len(call.Body) > 0 {
		body = bytes.NewReader(call.Body)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, u.String(), body)
	if err != nil {
		return Answer{}, &fx.Error{Provider: c.provider, Op: call.Op, Class: fx.Final, Code: "request", Err: c.clean(err)}
	}
	if call.Header != nil {
		req.Header = call.Header
	}
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "qiantang")
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, c.broken(ctx, call, wrote.Load(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	if err != nil {
		return Answer{}, c.broken(ctx, call, true, err)
	}
	if len(b) > MaxBody {
		return Answer{}, c.Fail(call, "too-large", fmt.Errorf("answer of more than %d bytes", MaxBody))
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: b}, nil
}

// GivenUp is the error for a call that its caller's ctx ended: once it was sent, whether it was taken is not known.
func (c *Client) GivenUp(ctx context.Context, call Call, sent bool, err error) *fx.Error {
	return c.broken(ctx, call, sent, err)
}

// broken classifies a transport's error.
func (c *Client) broken(ctx context.Context, call Call, sent bool, err error) *fx.Error {
	code := "transport"
	var timeout net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		code = "cancelled"
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		code = "timeout"
	}
	// The URL is configuration and long; the cause says enough.
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	e := c.Fail(call, code, err)
	if call.Moves && !sent {
		e.Class = fx.Retryable
	}
	return e
}

// Fail is the error for an answer that cannot be understood or trusted: whether the request was taken is not known.
func (c *Client) Fail(call Call, code string, err error) *fx.Error {
	class := fx.Retryable
	if call.Moves {
		class = fx.Uncertain
	}
	return c.Error(call, class, code, err)
}

// Error makes an *fx.Error with the credentials cleaned from its text. The outcome of an instruction cannot be refused for good, so
// a query's errors are all retryable.
func (c *Client) Error(call Call, class fx.Class, code string, err error) *fx.Error {
	if call.Op == OpQuery {
		class = fx.Retryable
	}
	return &fx.Error{Provider: c.provider, Op: call.Op, Class: class, Code: c.scrub(code, 64), Err: c.clean(err)}
}

// Succeeded makes s a success of what was paid, as the provider says: an amount that was not read, or another than instructed, is no answer to
// trust.
func (c *Client) Succeeded(call Call, s fx.Status, instructed, paid money.Amount, err error) (fx.Status, error) {
	if err != nil {
		return fx.Status{}, c.Fail(call, "malformed", err)
	}
	if paid != instructed {
		return fx.Status{}, c.Fail(call, "amount", fmt.Errorf("paid %s, instructed %s", paid, instructed))
	}
	s.Outcome, s.Paid = fx.Succeeded, paid
	return s, nil
}

// Status classifies an HTTP status for which the provider gave no words of its own; nil for 2xx. Anything between us and the provider
// may answer with a status: where money moves it is no refusal, but for 429, which every gateway gives before it passes a request on.
func (c *Client) Status(call Call, a Answer) *fx.Error {
	if a.Status >= 200 && a.Status < 300 {
		return nil
	}
	code, err := fmt.Sprintf("http-%d", a.Status), fmt.Errorf("HTTP status %d", a.Status)
	switch s := a.Status; {
	case s == http.StatusTooManyRequests:
		return c.Error(call, fx.Retryable, "rate-limited", err)
	case call.Moves, s >= 500, s == http.StatusRequestTimeout, s == http.StatusTooEarly:
		return c.Fail(call, code, err)
	default:
		return c.Error(call, fx.Final, code, err)
	}
}

// The operations that errors name.
const (
	OpQuote = "quote"
	OpLock  = "lock"
	OpPay   = "pay"
	OpQuery = "query"
)

type cleaned struct {
	text  string
	cause error
}

func (e *cleaned) Error() string { return e.text }

// Is lets callers ask for contexts' errors without handing out the cause, whose text may hold more than ours.
func (e *cleaned) Is(target error) bool { return errors.Is(e.cause, target) }

func (c *Client) clean(err error) error {
	if err == nil {
		return nil
	}
	return &cleaned{text: c.scrub(err.Error(), 300), cause: err}
}

// Scrub is the provider's text made fit for errors, logs and status: bounded, printable, without credentials.
func (c *Client) Scrub(s string) string { return c.scrub(s, 200) }

func (c *Client) scrub(s string, limit int) string {
	for _, secret := range c.secrets {
		s = strings.ReplaceAll(s, secret, "[redacted]")
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
