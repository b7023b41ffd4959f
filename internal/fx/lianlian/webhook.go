package lianlian

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
)

// Webhook takes LianLian's notifications over HTTP. It verifies who sent them, drops those that it has seen, and hands on the ID of the
// payout that something happened to: what happened is for Query to find out, as notifications come unordered.
//
// A notification that could not be handed on is answered with 503, so that LianLian repeats it.
type Webhook struct {
	key    *rsa.PublicKey
	notify func(payoutID string) error
	skew   time.Duration
	now    func() time.Time

	mu   sync.Mutex
	seen map[string]time.Time
}

// Notifications are repeated for hours; what was seen longer ago than remember, or beyond the newest maxSeen, is handed on again, which
// costs one query.
const (
	maxNotification = 64 << 10
	remember        = 24 * time.Hour
	maxSeen         = 100_000
	defaultSkew     = 5 * time.Minute
)

// NewWebhook makes the handler from the provider's credentials (webhookPublicKey). notify must return soon and may be called at once
// from several goroutines. now is time.Now where nil.
func NewWebhook(provider string, creds map[string][]byte, now func() time.Time, notify func(payoutID string) error) (*Webhook, error) {
	s := fx.NewSecrets(provider, creds)
	key := s.PublicKey("webhookPublicKey")
	if err := s.Err(); err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	return &Webhook{key: key, notify: notify, skew: defaultSkew, now: now, seen: map[string]time.Time{}}, nil
}

// ServeHTTP takes one notification.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "want POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotification))
	if err != nil {
		http.Error(w, fmt.Sprintf("want at most %d bytes", maxNotification), http.StatusRequestEntityTooLarge)
		return
	}
	if err := h.verify(r.Header.Get("LLPAY-Signature"), body); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	id := r.Header.Get("LLPAY-Delivery-ID")
	if id == "" || len(id) > 128 {
		http.Error(w, "LLPAY-Delivery-ID: want 1 to 128 characters", http.StatusBadRequest)
		return
	}
	var n struct {
		PayoutID string `json:"payoutId"`
	}
	if err := wire.Decode(body, &n); err != nil {
		http.Error(w, "body is not JSON", http.StatusBadRequest)
		return
	}
	if n.PayoutID == "" || !h.first(id) {
		// Of something else, or seen before: taken, so that it is not repeated.
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err := h.notify(n.PayoutID); err != nil {
		h.forget(id)
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// verify checks a signature over epoch&body.
func (h *Webhook) verify(header string, body []byte) error {
	t, v, _ := strings.Cut(header, ",")
	epoch, ok1 := strings.CutPrefix(strings.TrimSpace(t), "t=")
	signature, ok2 := strings.CutPrefix(strings.TrimSpace(v), "v=")
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	raw, err2 := base64.StdEncoding.DecodeString(signature)
	if !ok1 || !ok2 || err != nil || err2 != nil {
		return fmt.Errorf("LLPAY-Signature: want t=<epoch>,v=<base64>")
	}
	if d := h.now().Sub(time.Unix(seconds, 0)); d > h.skew || d < -h.skew {
		return fmt.Errorf("LLPAY-Signature: t=%d is more than %s from now", seconds, h.skew)
	}
	sum := sha256.Sum256([]byte(epoch + "&" + string(body)))
	if rsa.VerifyPKCS1v15(h.key, crypto.SHA256, sum[:], raw) != nil {
		return fmt.Errorf("LLPAY-Signature: v is not of this body")
	}
	return nil
}

// first remembers a delivery, and says whether it was not known.
func (h *Webhook) first(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	if at, ok := h.seen[id]; ok && now.Sub(at) < remember {
		return false
	}
	if len(h.seen) >= maxSeen {
		for old, at := range h.seen {
			if now.Sub(at) >= remember {
				delete(h.seen, old)
			}
		}
		for old := range h.seen {
			if len(h.seen) < maxSeen {
				break
			}
			delete(h.seen, old)
		}
	}
	h.seen[id] = now
	return true
}

func (h *Webhook) forget(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.seen, id)
}
