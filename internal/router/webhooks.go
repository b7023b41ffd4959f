package router

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

// Each webhook's deliveries are records of a kind of their own, so that one that does not answer is not in another's way.
const kindWebhook = "webhook."

// The states of a delivery.
const (
	hookWaiting   = "waiting"
	hookDelivered = "delivered"
	hookGone      = "gone"    // the endpoint said that it wants no more of it
	hookExpired   = "expired" // tried for as long as it may be
)

// hook is a webhook as a plan has it, with what its events are signed with.
type hook struct {
	plan.Webhook
	signers []*standardwebhooks.Webhook
	// unsigned says why nothing can be signed; events are recorded all the same, and wait.
	unsigned error
}

func (h *hook) kind() string { return kindWebhook + h.Name }

func (h *hook) wants(event string) bool {
	return len(h.Events) == 0 || slices.Contains(h.Events, event)
}

// newHooks never fails: a webhook that cannot be signed must not keep payments from a plan.
func newHooks(list []plan.Webhook, creds fx.Credentials) []*hook {
	var out []*hook
	for _, w := range list {
		h := &hook{Webhook: w}
		h.signers, h.unsigned = signers(creds[w.Credentials][w.Key])
		out = append(out, h)
	}
	return out
}

// Bounds of a signing secret, as Standard Webhooks sets them, in bytes.
const (
	minHookSecret = 24
	maxHookSecret = 64
)

// signers reads the secrets, with blanks between, of which each signs every event. Errors name no secret.
func signers(secret []byte) ([]*standardwebhooks.Webhook, error) {
	var out []*standardwebhooks.Webhook
	for i, s := range strings.Fields(string(secret)) {
		text, ok := strings.CutPrefix(s, "whsec_")
		raw, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(raw) < minHookSecret || len(raw) > maxHookSecret {
			return nil, fmt.Errorf("secret %d is not whsec_ and the base64 of %d to %d bytes", i+1, minHookSecret, maxHookSecret)
		}
		w, err := standardwebhooks.NewWebhookRaw(raw)
		if err != nil {
			return nil, fmt.Errorf("secret %d cannot be used", i+1)
		}
		out = append(out, w)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is no secret")
	}
	return out, nil
}

// sign is the header webhook-signature for a body sent at a time.
func (h *hook) sign(id string, at time.Time, body []byte) (string, error) {
	parts := make([]string, 0, len(h.signers))
	for _, s := range h.signers {
		one, err := s.Sign(id, at, body)
		if err != nil {
			return "", fmt.Errorf("webhook %s: sign: %w", h.Name, err)
		}
		parts = append(parts, one)
	}
	return strings.Join(parts, " "), nil
}

// notice is a delivery's record: an event, for one webhook.
type notice struct {
	// ID is the header webhook-id: the same however often it is sent, and the same for every webhook.
	ID string `json:"id"`
	// Body is what is sent, byte for byte; dropped when it is done with.
	Body json.RawMessage `json:"body,omitempty"`
	At   time.Time       `json:"at"`
	// Holder, Tries and Last say who sends it, how often it was sent, and what came of it.
	Holder string `json:"holder,omitempty"`
	Tries  int    `json:"tries,omitempty"`
	Last   string `json:"last,omitempty"`
}

func (n *notice) put(h *hook, key string, version int64, state string, due time.Time) (ledger.Put, error) {
	body, err := json.Marshal(n)
	if err != nil {
		return ledger.Put{}, fmt.Errorf("delivery %s of webhook %s: %w", key, h.Name, err)
	}
	return ledger.Put{Kind: h.kind(), Key: key, Expect: version, State: state, Due: due, Body: body}, nil
}

// eventRefunded is the one event that is not named as the state it leads to.
const eventRefunded = "refunded"

// tell makes the deliveries that a step owes, for the commit of that very step: what took place is told, and what did not is not. It gives
// nothing, and costs nothing, where no webhook wants to know. p stands as it is about to be written.
func (r *Router) tell(p *payment, event string) ([]ledger.Put, error) {
	s := r.snap.Load()
	if s == nil || len(s.hooks) == 0 {
		return nil, nil
	}
	var puts []ledger.Put
	var n *notice
	for _, h := range s.hooks {
		if !h.wants(event) {
			continue
		}
		if n == nil {
			body, err := p.encodeEvent(event)
			if err != nil {
				return nil, fmt.Errorf("event of payment %s: %w", p.ID, err)
			}
			n = &notice{ID: fmt.Sprintf("evt_%s_%d", p.bareID(), p.version+1), Body: body, At: p.Updated}
		}
		put, err := n.put(h, n.ID, 0, hookWaiting, p.Updated)
		if err != nil {
			return nil, err
		}
		puts = append(puts, put)
	}
	return puts, nil
}

// told wakes the deliveries that a commit has just recorded.
func (r *Router) told() {
	if s := r.snap.Load(); s == nil || len(s.hooks) == 0 {
		return
	}
	select {
	case r.poked <- struct{}{}:
	default:
	}
}
