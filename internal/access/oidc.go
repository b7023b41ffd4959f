package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"qiantang.dev/rails/internal/plan"
)

// issuer takes the tokens that an OpenID Connect issuer has signed. Its keys are looked for when first needed, so that an issuer that is
// away does not keep a plan from being served.
type issuer struct {
	plan.Authentication
	clock  func() time.Time
	client *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	failed   error
	again    time.Time
}

// discoverAgain is how long a failed discovery counts.
const discoverAgain = 2 * time.Second

// Authenticate verifies signature, issuer, audience and times, and reads the claims.
func (i *issuer) Authenticate(ctx context.Context, token string) (Identity, error) {
	verifier, err := i.ready(ctx)
	if err != nil {
		return Identity{}, fmt.Errorf("issuer %s: %w", i.Issuer, err)
	}
	var unfetched error
	verified, err := verifier.Verify(context.WithValue(ctx, fetchKey{}, &unfetched), token)
	if unfetched != nil {
		return Identity{}, fmt.Errorf("issuer %s: %w", i.Issuer, unfetched)
	}
	if err != nil {
		return Identity{}, refused("the token is not good: %s", strings.TrimPrefix(err.Error(), "oidc: "))
	}
	var said map[string]json.RawMessage
	if err := verified.Claims(&said); err != nil {
		return Identity{}, refused("the token's claims cannot be read: %s", err)
	}
	return i.identity(said)
}

// fetchKey is where keys puts an error of fetching, which the verifier would mix up with those of the token.
type fetchKey struct{}

// keys are the issuer's, with errors told apart.
type keys struct{ oidc.KeySet }

// VerifySignature is the wrapped set's.
func (k keys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, token)
	if err != nil && strings.HasPrefix(err.Error(), "fetching keys ") {
		if to, ok := ctx.Value(fetchKey{}).(*error); ok {
			*to = err
		}
	}
	return payload, err
}

// ready discovers the issuer once.
func (i *issuer) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.verifier != nil {
		return i.verifier, nil
	}
	if now := i.clock(); i.failed != nil && now.Before(i.again) {
		return nil, i.failed
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.Issuer)
	var found struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err == nil {
		err = provider.Claims(&found)
	}
	if err == nil && found.Keys == "" {
		err = errors.New("its description names no jwks_uri")
	}
	if err != nil {
		i.failed, i.again = err, i.clock().Add(discoverAgain)
		return nil, err
	}
	// Only asymmetric algorithms: with a symmetric one whoever can verify can sign.
	algorithms := []string{}
	for _, a := range found.Algorithms {
		switch a {
		case oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA:
			algorithms = append(algorithms, a)
		}
	}
	set := keys{oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), i.client), found.Keys)}
	i.verifier = oidc.NewVerifier(i.Issuer, set, &oidc.Config{ClientID: i.Audience, SupportedSigningAlgs: algorithms, Now: i.clock})
	i.failed = nil
	return i.verifier, nil
}

// identity reads who the claims speak for.
func (i *issuer) identity(said map[string]json.RawMessage) (Identity, error) {
	var out Identity
	if json.Unmarshal(said[i.UsernameClaim], &out.Subject) != nil || out.Subject == "" {
		return out, refused("the token's claim %q is missing, or is no text", i.UsernameClaim)
	}
	if raw, there := said["email_verified"]; there && i.UsernameClaim == "email" && string(raw) != "true" {
		return out, refused("the token's email %q is not verified", out.Subject)
	}
	if i.ScopesClaim == "" {
		return out, nil
	}
	out.Narrowed = true
	raw, there := said[i.ScopesClaim]
	if !there {
		return out, nil
	}
	var words string
	if json.Unmarshal(raw, &words) == nil {
		out.Scopes = strings.Fields(words)
		return out, nil
	}
	if json.Unmarshal(raw, &out.Scopes) != nil {
		return out, refused("the token's claim %q is neither a text nor a list of texts", i.ScopesClaim)
	}
	return out, nil
}
