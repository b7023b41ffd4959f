package router

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

// notifying is a world whose only provider, LianLian, confirms late and then says so; nobody asks it before an hour is over.
func notifying(t *testing.T, memory time.Duration) (*world, *atomic.Pointer[http.Handler]) {
	t.Helper()
	var behind atomic.Pointer[http.Handler]
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := behind.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(front.Close)
	w := newWorldWith(t, sim.Options{Webhooks: front.URL + "/v1/providers/lianlian/webhook", WebhookInterval: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.sim.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := w.sim.SetFaults("lianlian", sim.Faults{LateBps: 10_000, Late: plan.Text(300 * time.Millisecond)}); err != nil {
		t.Fatal(err)
	}
	w.region.Corridors[0].Providers = []plan.RouteMember{{Name: "lianlian"}}
	if err := plan.Seal(w.region); err != nil {
		t.Fatal(err)
	}
	w.pace.First, w.pace.Most, w.pace.Memory, w.pace.Lease = time.Hour, time.Hour, memory, 3*time.Hour
	return w, &behind
}

func (r *replica) behind(front *atomic.Pointer[http.Handler]) {
	mux := http.NewServeMux()
	mux.Handle(CallbackPattern, r.Callbacks())
	var h http.Handler = mux
	front.Store(&h)
}

func TestAProvidersNotificationCausesAQueryAtOnce(t *testing.T) {
	for name, memory := range map[string]time.Duration{"of a payment in memory": 2 * time.Hour, "of a payment back in the ledger": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			w, front := notifying(t, memory)
			r := w.start("a", nil)
			r.behind(front)
			r.fund("acme", "USD", "1000.00")
			p := r.pay("k", "100.00")
			r.becomes(p.ID, client.Paid, client.Settled)
			w.audit()
		})
	}
}

func TestNotificationsThatNobodySignedAreRefused(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	for path, want := range map[string]int{"lianlian": http.StatusUnauthorized, "pingpong": http.StatusNotFound, "nobody": http.StatusNotFound} {
		resp, err := http.Post(r.url+"/v1/providers/"+path+"/webhook", "application/json", strings.NewReader(`{"payoutId":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != want {
			t.Errorf("%s: %d, %v", path, resp.StatusCode, err)
		}
	}
}

func TestANotificationOfNothingOfOursIsTaken(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	paid := r.becomes(r.pay("k", "100.00").ID, client.Paid, client.Settled)
	plain := strings.ReplaceAll(paid.ID, "-", "")
	for _, id := range []string{"", "x", "x-1", plain, plain + "-0", plain + "-x", plain + "-1", plain + "-7", paid.ID + "-1",
		strings.ReplaceAll(uuid.NewString(), "-", "") + "-1"} {
		if err := r.notified("lianlian", id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	p := payment{ID: uuid.New(), Attempt: 3}
	if id, attempt, ok := parseInstruction(p.instructionID()); !ok || id != p.ID || attempt != 3 {
		t.Errorf("%v %d %v", id, attempt, ok)
	}
}

func TestAPlanWithABadKeyForNotificationsIsRefused(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	w.creds["LianLian"]["webhookPublicKey"] = []byte("no key")
	if err := r.Switch(t.Context(), w.region, w.creds); err == nil || !strings.Contains(err.Error(), `provider "lianlian"`) {
		t.Error(err)
	}
	r.stop()
	if err := r.notified("lianlian", strings.ReplaceAll(uuid.NewString(), "-", "")+"-1"); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a replica that stops took a notification: %v", err)
	}
}
