package access_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

type claims map[string]any

// issuer is an OpenID Connect issuer: discovery, keys, and tokens that it signs.
type issuer struct {
	t      *testing.T
	server *httptest.Server
	url    string
	away   atomic.Bool

	mu  sync.Mutex
	key *rsa.PrivateKey
	id  int
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t}
	i.rotate()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.answer(w, map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "HS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &i.key.PublicKey, KeyID: strconv.Itoa(i.id), Algorithm: "RS256", Use: "sig"}}})
	})
	i.server = httptest.NewServer(mux)
	t.Cleanup(i.server.Close)
	i.url = i.server.URL
	return i
}

func (i *issuer) answer(w http.ResponseWriter, v any) {
	if i.away.Load() {
		http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

// rotate signs with a new key from now on.
func (i *issuer) rotate() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.id = key, i.id+1
}

func (i *issuer) bearer(c claims) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return sign(i.t, jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: strconv.Itoa(i.id)}}, c)
}

// symmetric signs with what everybody knows: the modulus of the public key.
func (i *issuer) symmetric(c claims) string {
	return sign(i.t, jose.SigningKey{Algorithm: jose.HS256, Key: i.key.N.Bytes()}, c)
}

// token is one that is good, for subject, after edit.
func (i *issuer) token(s *stand, subject string, edit func(claims)) string {
	c := claims{"iss": i.url, "aud": "rails", "sub": subject, "exp": s.clock().Add(10 * time.Minute).Unix()}
	if edit != nil {
		edit(c)
	}
	return i.bearer(c)
}

func sign(t *testing.T, key jose.SigningKey, c claims) string {
	t.Helper()
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

func unsigned(c claims) string {
	payload, _ := json.Marshal(c) // Texts and numbers.
	return "Bearer " + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
}
