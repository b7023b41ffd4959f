package access

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"qiantang.dev/rails/pkg/client"
)

// Codes of problems; clients switch on them, so they never change.
const (
	codeUnauthenticated = "unauthenticated"
	codeUnknownClient   = "unknown-client"
	codeScope           = "insufficient-scope"
	codeRate            = "rate-limited"
	codeUnavailable     = "unavailable"
	codeNotReady        = "not-ready"
	codePlain           = "tls-required"
)

// refusal is why a request is not let in.
type refusal struct {
	status       int
	code, detail string
	// challenge is for WWW-Authenticate (RFC 6750, 3); after for Retry-After.
	challenge string
	after     time.Duration
	// cause is for the log alone.
	cause error
}

func noToken(detail string) *refusal {
	return &refusal{status: http.StatusUnauthorized, code: codeUnauthenticated, detail: detail, challenge: `Bearer realm="qiantang"`}
}

func badToken(detail string) *refusal {
	return &refusal{status: http.StatusUnauthorized, code: codeUnauthenticated, detail: detail,
		challenge: `Bearer realm="qiantang", error="invalid_token"`}
}

func badCertificate(detail string) *refusal {
	return &refusal{status: http.StatusUnauthorized, code: codeUnauthenticated, detail: detail, challenge: `Bearer realm="qiantang"`}
}

func unknownClient(authentication, subject string) *refusal {
	return &refusal{status: http.StatusForbidden, code: codeUnknownClient,
		detail: fmt.Sprintf("%q, shown by %s, is no client of this region: the Region resource lists them under spec.api.clients", subject, authentication)}
}

func outOfScope(name, why string, scope Scope) *refusal {
	return &refusal{status: http.StatusForbidden, code: codeScope, detail: fmt.Sprintf("client %s %s scope %q", name, why, scope),
		challenge: fmt.Sprintf(`Bearer realm="qiantang", error="insufficient_scope", scope=%q`, scope)}
}

func tooMany(name string, after time.Duration) *refusal {
	return &refusal{status: http.StatusTooManyRequests, code: codeRate, after: after,
		detail: fmt.Sprintf("client %s sends more requests than its rate limit allows", name)}
}

func cannotTell(cause error) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable, after: time.Second, cause: cause,
		detail: "whether the token is good cannot be told now; send the same request again"}
}

func notReady() *refusal {
	return &refusal{status: http.StatusServiceUnavailable, code: codeNotReady, after: time.Second, detail: "no plan is served yet"}
}

// plainHTTP is told to whoever still has a connection from before the API was served by TLS.
func plainHTTP() *refusal {
	return &refusal{status: http.StatusBadRequest, code: codePlain, detail: "this API is served by TLS alone: use https"}
}

// write answers with an RFC 9457 problem.
func (r *refusal) write(ctx huma.Context) {
	ctx.SetHeader("Content-Type", "application/problem+json")
	ctx.SetHeader("Cache-Control", "no-store")
	if r.challenge != "" {
		ctx.SetHeader("WWW-Authenticate", r.challenge)
	}
	if r.after > 0 {
		ctx.SetHeader("Retry-After", strconv.FormatInt(max(1, int64((r.after+time.Second-1)/time.Second)), 10))
	}
	ctx.SetStatus(r.status)
	r.encode(ctx.BodyWriter())
}

func (r *refusal) encode(w io.Writer) {
	// Where the caller is gone there is nobody to tell.
	_ = json.NewEncoder(w).Encode(&client.Problem{
		Type: client.ProblemBase + r.code, Title: http.StatusText(r.status), Status: r.status, Detail: r.detail,
	})
}
