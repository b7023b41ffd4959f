package lianlian

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
)

// authorizer gives the value of the Authorization header.
type authorizer interface {
	authorize(ctx context.Context) (string, error)
}

type basicAuth string

func (b basicAuth) authorize(context.Context) (string, error) { return string(b), nil }

// oauth holds a client-credentials token until shortly before it expires.
type oauth struct {
	wire        *wire.Client
	basic, path string
	now         func() time.Time

	mu      sync.Mutex
	token   string
	expires time.Time
}

// early is how long before its expiry a token is replaced, so that none expires under way.
const early = 30 * time.Second

func (o *oauth) authorize(ctx context.Context) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.token != "" && o.now().Before(o.expires.Add(-early)) {
		return "Bearer " + o.token, nil
	}
	call := wire.Call{Op: wire.OpQuote, Method: http.MethodPost, Path: o.path, Body: []byte("grant_type=client_credentials"),
		Header: http.Header{"Authorization": {o.basic}, "Content-Type": {"application/x-www-form-urlencoded"}}}
	got, err := o.wire.Do(ctx, call)
	if err != nil {
		return "", err
	}
	if refused := o.wire.Status(call, got); refused != nil {
		return "", refused
	}
	var answer struct {
		Token   string    `json:"access_token"`
		Type    string    `json:"token_type"`
		Seconds wire.Text `json:"expires_in"`
	}
	if err := wire.Decode(got.Body, &answer); err != nil || answer.Token == "" {
		return "", o.wire.Error(call, fx.Retryable, "malformed", errors.New("no access_token in the answer"))
	}
	seconds, err := strconv.ParseInt(string(answer.Seconds), 10, 32)
	if err != nil || seconds <= 0 {
		return "", o.wire.Error(call, fx.Retryable, "malformed", errors.New("no expires_in in the answer"))
	}
	o.token, o.expires = answer.Token, o.now().Add(time.Duration(seconds)*time.Second)
	return "Bearer " + o.token, nil
}
