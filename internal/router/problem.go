package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/pkg/client"
)

// Codes of problems and of refusals; clients switch on them, so they never change.
const (
	codeMalformed    = "malformed"
	codeInvalid      = "invalid"
	codeConflict     = "idempotency-conflict"
	codeInProgress   = "in-progress"
	codeNotFound     = "not-found"
	codeDraining     = "corridor-draining"
	codeState        = "not-permitted-in-state"
	codeInsufficient = "insufficient-funds"
	codeLimit        = "limit"
	codeNoRoute      = "no-route"
	codeExpired      = "expired"
	codeUnavailable  = "unavailable"
	codeBusy         = "busy"
	codeNotReady     = "not-ready"
	codeTooLarge     = "too-large"
	codeAccount      = "account-exists"
	codeInternal     = "internal"
	codeFailed       = "provider-failed"
	codeUETR         = "uetr-in-use"
	codeRecalled     = "recalled"
	codeNoMessage    = "message-not-available"
)

// problem makes an RFC 9457 problem; detail says what, with which value, and what to do.
func problem(status int, code, detail string, fields ...client.FieldError) *client.Problem {
	return &client.Problem{
		Type: client.ProblemBase + code, Title: http.StatusText(status), Status: status, Detail: detail, Errors: fields,
	}
}

func field(location string, value any, format string, args ...any) client.FieldError {
	return client.FieldError{Location: location, Value: value, Message: fmt.Sprintf(format, args...)}
}

// invalid refuses a request whose fields are wrong.
func invalid(fields ...client.FieldError) *client.Problem {
	return problem(http.StatusUnprocessableEntity, codeInvalid, "validation failed", fields...)
}

// unavailable says that the same request may be sent again after a while.
func unavailable(code, detail string, after time.Duration) *client.Problem {
	p := problem(http.StatusServiceUnavailable, code, detail)
	p.RetryAfter = after
	return p
}

// classify turns the ledger's errors, and a request's end, into problems. It never shows what the store itself said.
func (r *Router) classify(err error) *client.Problem {
	var (
		prob    *client.Problem
		away    *ledger.UnavailableError
		missing *ledger.NotFoundError
		bad     *ledger.InvalidError
		short   *ledger.InsufficientError
		clash   *ledger.ConflictError
		barred  *TransitionError
	)
	switch {
	case errors.As(err, &prob):
		return prob
	case errors.As(err, &away):
		r.metrics.unavailable.Inc()
		r.log.Error(err, "ledger unavailable")
		return unavailable(codeUnavailable, "the ledger cannot book now; send the same request again", time.Second)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return unavailable(codeUnavailable, "the request's time ran out before an outcome was known; send the same request again", time.Second)
	case errors.As(err, &barred):
		return problem(http.StatusConflict, codeState, barred.Error())
	case errors.As(err, &missing):
		return problem(http.StatusNotFound, codeNotFound, missing.Error())
	case errors.As(err, &bad):
		return invalid(field(bad.Field, bad.Value, "%s", bad.Why))
	case errors.As(err, &short):
		return problem(http.StatusUnprocessableEntity, codeInsufficient, short.Error())
	case errors.As(err, &clash):
		return problem(http.StatusConflict, codeInProgress, "changed by another request meanwhile; look again")
	}
	r.log.Error(err, "unexpected error")
	return problem(http.StatusInternalServerError, codeInternal, "unexpected error; it is in the worker's log")
}

// httpError is a problem as huma sends it, with Retry-After.
func httpError(p *client.Problem) error {
	if p.RetryAfter > 0 {
		after := max(1, int64((p.RetryAfter+time.Second-1)/time.Second))
		return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {strconv.FormatInt(after, 10)}})
	}
	return p
}
