package access

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxToken bounds a token; those of Kubernetes and of issuers have one to four thousand characters.
const maxToken = 16 << 10

// Refused is a token that is not good: sending it again will not help.
type Refused struct{ Why string }

func (e *Refused) Error() string { return e.Why }

func refused(format string, args ...any) error { return &Refused{Why: fmt.Sprintf(format, args...)} }

// claims are what a token says of itself, before anybody has said that it is true.
type claims struct {
	Issuer   string   `json:"iss"`
	Audience audience `json:"aud"`
	Expiry   *seconds `json:"exp"`
}

// audience is a text or a list of them (RFC 7519, 4.1.3).
type audience []string

// UnmarshalJSON takes both forms.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// seconds since 1970, perhaps with a fraction (RFC 7519, 2).
type seconds time.Time

// UnmarshalJSON drops the fraction.
func (s *seconds) UnmarshalJSON(b []byte) error {
	whole, _, _ := strings.Cut(string(b), ".")
	var n int64
	if err := json.Unmarshal([]byte(whole), &n); err != nil {
		return err
	}
	*s = seconds(time.Unix(n, 0))
	return nil
}

// peek reads a token's claims without believing them, so that what cannot be good costs nobody a request.
func peek(token string) (claims, error) {
	var c claims
	if len(token) > maxToken {
		return c, refused("the token has %d characters, more than %d", len(token), maxToken)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, refused("the token is no JSON Web Token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(payload, &c)
	}
	if err != nil {
		return c, refused("the token is no JSON Web Token")
	}
	return c, nil
}

// fits refuses what the claims alone rule out.
func (c claims) fits(want string, now time.Time) error {
	if !slices.Contains(c.Audience, want) {
		return refused("the token is for audience %q, not %q", []string(c.Audience), want)
	}
	if c.Expiry == nil {
		return refused("the token never expires")
	}
	if end := time.Time(*c.Expiry); !now.Before(end) {
		return refused("the token expired at %s", end.UTC().Format(time.RFC3339))
	}
	return nil
}

// bearerToken is the token of an Authorization header.
func bearerToken(header string) (string, error) {
	if header == "" {
		return "", errors.New("no token: send Authorization: Bearer TOKEN")
	}
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errors.New("the Authorization header is not of the form: Bearer TOKEN")
	}
	return token, nil
}
