package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Client calls one routing worker. The zero value is not usable: New makes one. It is safe for concurrent use.
type Client struct {
	base string
	http *http.Client

	// Retries is how often a request without an answer, or answered with 429, 502, 503 or 504, is sent again. Default 3.
	Retries int
	// Wait is the first wait before a retry where the worker does not say for how long; it doubles. Default 100 ms.
	Wait time.Duration
	// MaxWait bounds every wait, also one that the worker asks for. Default 5 s.
	MaxWait time.Duration

	token func(context.Context) (string, error)
}

// WithToken is a client that sends a bearer token with each request. source is asked for each, so that tokens may be renewed meanwhile.
func (c *Client) WithToken(source func(context.Context) (string, error)) *Client {
	with := *c
	with.token = source
	return &with
}

// TokenFile is a source for WithToken: a file, read each time, such as a projected ServiceAccount token that Kubernetes renews.
func TokenFile(path string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		token := strings.TrimSpace(string(b))
		if token == "" {
			return "", fmt.Errorf("%s: empty", path)
		}
		return token, nil
	}
}

// authorize puts the token into req.
func (c *Client) authorize(req *http.Request) error {
	if c.token == nil {
		return nil
	}
	token, err := c.token(req.Context())
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// New makes a Client of the worker at base, such as "http://127.0.0.1:8080". A nil h is a client with a time-out of 30 s; batches need one without.
func New(base string, h *http.Client) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("URL %q: want http://host:port or https://host", base)
	}
	if h == nil {
		h = &http.Client{Timeout: 30 * time.Second}
	}
	return &Client{base: strings.TrimRight(base, "/"), http: h, Retries: 3, Wait: 100 * time.Millisecond, MaxWait: 5 * time.Second}, nil
}

// Pay makes a payment under a key of the caller's. A *Problem says why not.
func (c *Client) Pay(ctx context.Context, key string, req PaymentRequest) (*Payment, error) {
	return call[Payment](ctx, c, http.MethodPost, "/v1/payments", key, req)
}

// Payment is the payment as it stands.
func (c *Client) Payment(ctx context.Context, id string) (*Payment, error) {
	return call[Payment](ctx, c, http.MethodGet, "/v1/payments/"+url.PathEscape(id), "", nil)
}

// ListOptions select payments or conversions; zero values select all.
type ListOptions struct {
	Corridor string
	Status   Status
	Cursor   string
	Limit    int
}

// Payments is a page of payments, oldest first; its Next is the next page's Cursor.
func (c *Client) Payments(ctx context.Context, o ListOptions) (*PaymentList, error) {
	return call[PaymentList](ctx, c, http.MethodGet, "/v1/payments?"+o.query(), "", nil)
}

func (o ListOptions) query() string {
	q := url.Values{}
	for name, v := range map[string]string{"corridor": o.Corridor, "status": string(o.Status), "cursor": o.Cursor} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if o.Limit > 0 {
		q.Set("limit", strconv.Itoa(o.Limit))
	}
	return q.Encode()
}

// Cancel takes back a payment that has not been instructed.
func (c *Client) Cancel(ctx context.Context, id string) (*Payment, error) {
	return call[Payment](ctx, c, http.MethodPost, "/v1/payments/"+url.PathEscape(id)+"/cancel", "", nil)
}

// Return books that the beneficiary's side sent the money of a payment back.
func (c *Client) Return(ctx context.Context, id string, req ReturnRequest) (*Payment, error) {
	return call[Payment](ctx, c, http.MethodPost, "/v1/payments/"+url.PathEscape(id)+"/return", "", req)
}

// Refund gives back part of a paid payment. The key makes it safe to send again.
func (c *Client) Refund(ctx context.Context, key, id string, req RefundRequest) (*Refund, error) {
	return call[Refund](ctx, c, http.MethodPost, "/v1/payments/"+url.PathEscape(id)+"/refunds", key, req)
}

// Convert converts a customer's own money under a key of the caller's. A *Problem says why not.
func (c *Client) Convert(ctx context.Context, key string, req ConversionRequest) (*Conversion, error) {
	return call[Conversion](ctx, c, http.MethodPost, "/v1/conversions", key, req)
}

// Conversion is the conversion as it stands.
func (c *Client) Conversion(ctx context.Context, id string) (*Conversion, error) {
	return call[Conversion](ctx, c, http.MethodGet, "/v1/conversions/"+url.PathEscape(id), "", nil)
}

// CancelConversion takes back a conversion that has not been instructed.
func (c *Client) CancelConversion(ctx context.Context, id string) (*Conversion, error) {
	return call[Conversion](ctx, c, http.MethodPost, "/v1/conversions/"+url.PathEscape(id)+"/cancel", "", nil)
}

// Conversions is a page of conversions, oldest first; its Next is the next page's Cursor.
func (c *Client) Conversions(ctx context.Context, o ListOptions) (*ConversionList, error) {
	return call[ConversionList](ctx, c, http.MethodGet, "/v1/conversions?"+o.query(), "", nil)
}

// Quote says what a payment would cost over every route.
func (c *Client) Quote(ctx context.Context, req QuoteRequest) (*Quote, error) {
	return call[Quote](ctx, c, http.MethodPost, "/v1/quotes", "", req)
}

// OpenAccount opens a customer's account; opening it again as it is changes nothing.
func (c *Client) OpenAccount(ctx context.Context, req AccountRequest) (*Account, error) {
	return call[Account](ctx, c, http.MethodPost, "/v1/accounts", "", req)
}

// Account is an account with its balance.
func (c *Client) Account(ctx context.Context, id string) (*Account, error) {
	return call[Account](ctx, c, http.MethodGet, "/v1/accounts/"+url.PathEscape(id), "", nil)
}

// Deposit books money that came in for a customer.
func (c *Client) Deposit(ctx context.Context, key string, req DepositRequest) (*Deposit, error) {
	return call[Deposit](ctx, c, http.MethodPost, "/v1/deposits", key, req)
}

// Corridors are those that the worker serves.
func (c *Client) Corridors(ctx context.Context) (*CorridorList, error) {
	return call[CorridorList](ctx, c, http.MethodGet, "/v1/corridors", "", nil)
}

// Checkpoints are the signed checkpoints of more than after entries, oldest first: a page of them, whose Next is the next page's after.
func (c *Client) Checkpoints(ctx context.Context, after int64) (*CheckpointList, error) {
	return call[CheckpointList](ctx, c, http.MethodGet, "/v1/checkpoints?after="+strconv.FormatInt(after, 10), "", nil)
}

// Summary adds up all payments.
func (c *Client) Summary(ctx context.Context) (*Summary, error) {
	return call[Summary](ctx, c, http.MethodGet, "/v1/summary", "", nil)
}

// ISO20022 sends an ISO 20022 message and gives the worker's answer, itself a message: pain.002 to a pain.001, pacs.002 to a pacs.008 or
// pacs.004, camt.029 to a camt.056; nil to a pacs.002. A message in an Envelope with its header is answered in one. Sending it again is safe.
func (c *Client) ISO20022(ctx context.Context, message []byte) ([]byte, error) {
	answer, err := c.send(ctx, http.MethodPost, "/v1/iso20022", "", "application/xml", message)
	if len(answer) == 0 {
		answer = nil
	}
	return answer, err
}

// Message is the payment as an ISO 20022 message with its header, in an Envelope: "pacs.008" (the instruction), "pacs.002" (its status) or
// "pacs.004" (its return).
func (c *Client) Message(ctx context.Context, id, message string) ([]byte, error) {
	return c.send(ctx, http.MethodGet, "/v1/payments/"+url.PathEscape(id)+"/iso20022?message="+url.QueryEscape(message), "", "", nil)
}

// Get reads what stands at a path of the API that has no method here, such as "/v1/trial-balance", into out.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	answer, err := c.send(ctx, http.MethodGet, path, "", "", nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("GET %s: answer: %w", path, err)
	}
	return nil
}

func call[T any](ctx context.Context, c *Client, method, path, key string, in any) (*T, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	answer, err := c.send(ctx, method, path, key, "application/json", body)
	if err != nil {
		return nil, err
	}
	out := new(T)
	if err := json.Unmarshal(answer, out); err != nil {
		return nil, fmt.Errorf("%s %s: answer: %w", method, path, err)
	}
	return out, nil
}

// send sends a request until it is answered for good. Sending again is safe: writes have keys or change nothing the second time.
func (c *Client) send(ctx context.Context, method, path, key, kind string, body []byte) ([]byte, error) {
	wait := c.Wait
	for try := 0; ; try++ {
		answer, err := c.once(ctx, method, path, key, kind, body)
		var problem *Problem
		refused := errors.As(err, &problem)
		if err == nil || ctx.Err() != nil || try >= c.Retries || refused && !again(problem.Status) {
			return answer, err
		}
		pause := wait
		if refused && problem.RetryAfter > 0 {
			pause = problem.RetryAfter
		}
		timer := time.NewTimer(min(pause, c.MaxWait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("%w; gave up: %w", err, ctx.Err())
		}
		wait *= 2
	}
}

func again(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

func (c *Client) once(ctx context.Context, method, path, key, kind string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	if err := c.authorize(req); err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s %s: answer: %w", method, path, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, readProblem(resp, answer)
	}
	return answer, nil
}

// readProblem is the problem that an answer tells of, or one made of its status where it tells of none.
func readProblem(resp *http.Response, body []byte) *Problem {
	p := new(Problem)
	if json.Unmarshal(body, p) != nil || p.Title == "" {
		*p = Problem{Title: http.StatusText(resp.StatusCode), Detail: strings.TrimSpace(string(body[:min(len(body), 256)]))}
	}
	p.Status = resp.StatusCode
	if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && after > 0 {
		p.RetryAfter = time.Duration(after) * time.Second
	}
	return p
}
