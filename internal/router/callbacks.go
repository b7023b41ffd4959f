package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/pkg/client"
)

// Callback makes the handler of a provider's own notifications, which it verifies and deduplicates; nil where the provider sends none.
// notify is given the ID of the instruction that something happened to.
type Callback = func(p plan.Provider, credentials map[string][]byte, clock func() time.Time, notify func(instructionID string) error) (http.Handler, error)

// CallbackPattern is where Callbacks belongs. Who calls there is known by the provider's signature and nothing else, so that it stands
// outside whatever authenticates clients.
const CallbackPattern = "POST /v1/providers/{name}/webhook"

// callbackTime bounds what a notification may take.
const callbackTime = 5 * time.Second

// Callbacks takes the notifications of providers. They are never believed: what they cause is a query.
func (r *Router) Callbacks() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		name := req.PathValue("name")
		if p := r.provider(name); p != nil && p.callback != nil {
			p.callback.ServeHTTP(w, req)
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(problem(http.StatusNotFound, codeNotFound, fmt.Sprintf("no provider %q that sends notifications and has a key to verify them", name)))
	})
}

// openCallbacks makes the handlers of providers that are new in s; others keep theirs, and with it what they have seen.
func (r *Router) openCallbacks(s *snapshot, creds map[string]map[string][]byte) error {
	if r.callback == nil {
		return nil
	}
	for name, p := range s.providers {
		if p.callback != nil {
			continue
		}
		h, err := r.callback(p.plan, creds[p.plan.Credentials], r.clock, func(id string) error { return r.notified(name, id) })
		if err != nil {
			return fmt.Errorf("provider %q: %w", name, err)
		}
		if h != nil {
			p.callback = h
		}
	}
	return nil
}

// notified looks at a payment at once: something happened to its instruction. An error says that it could not, and to be told again.
func (r *Router) notified(provider, instruction string) error {
	r.metrics.notified.WithLabelValues(provider).Inc()
	id, attempt, ok := parseInstruction(instruction)
	if !ok {
		return nil // somebody else's
	}
	ctx, cancel := context.WithTimeout(context.Background(), callbackTime)
	defer cancel()
	return r.look(ctx, id, attempt)
}

// look wakes a payment that this replica drives, or takes it up where nobody does. One that another replica drives is left to it: it
// looks by itself within Pace.Memory.
func (r *Router) look(ctx context.Context, id uuid.UUID, attempt int) error {
	r.mu.Lock()
	t, runs := r.active[id], r.running != nil
	r.mu.Unlock()
	if t != nil {
		t.nudge()
		return nil
	}
	if !runs {
		return errors.New("this replica stops")
	}
	p, err := r.payment(ctx, id.String())
	var missing *ledger.NotFoundError
	if errors.As(err, &missing) {
		p, err = r.read(ctx, kindConversion, id.String())
	}
	if errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		return err
	}
	if !working(p.state) || p.state == client.Accepted || attempt != 0 && p.Attempt != attempt || !p.Parked {
		return nil
	}
	select {
	case r.slots <- struct{}{}:
	default:
		return fmt.Errorf("%d payments are under way", cap(r.slots))
	}
	if !r.claim(ctx, p) {
		r.release()
	}
	return nil
}

// parseInstruction reads an ID that payment.instructionID made.
func parseInstruction(s string) (uuid.UUID, int, bool) {
	text, number, ok := strings.Cut(strings.Replace(s, exchangeMark, "-", 1), "-")
	id, err := uuid.Parse(text)
	attempt, err2 := strconv.Atoi(number)
	return id, attempt, ok && err == nil && err2 == nil && len(text) == 32 && attempt > 0
}

// nudge ends the present wait of a payment, or the next one.
func (t *task) nudge() {
	select {
	case t.nudged <- struct{}{}:
	default:
	}
}

// rest waits; false where it was told to stop.
func (t *task) rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.nudged:
		return true
	case <-ctx.Done():
		return false
	}
}

// wasNudged says whether there is news since the last look.
func (t *task) wasNudged() bool {
	select {
	case <-t.nudged:
		return true
	default:
		return false
	}
}
