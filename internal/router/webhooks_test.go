package router

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/pkg/client"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// ear is a webhook's endpoint. It verifies as its owner would, with the library that Standard Webhooks publishes.
type ear struct {
	testing.TB
	*httptest.Server
	secret string
	mu     sync.Mutex
	// answers are given one after the other; after them, 204.
	answers []int
	heard   []client.WebhookEvent
	ids     []string
	calls   int
	// strayed counts calls to where a redirect leads.
	strayed int
}

func newEar(t testing.TB, secret string, answers ...int) *ear {
	e := &ear{TB: t, secret: secret, answers: answers}
	e.Server = httptest.NewServer(http.HandlerFunc(e.hear))
	t.Cleanup(e.Close)
	return e
}

func (e *ear) hear(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.URL.Path == "/elsewhere" {
		e.strayed++
		return
	}
	e.calls++
	body, err := io.ReadAll(r.Body)
	verifier, err2 := standardwebhooks.NewWebhook(e.secret)
	if err := errors.Join(err, err2); err != nil {
		e.Error(err)
		return
	}
	if err := verifier.Verify(body, r.Header); err != nil {
		e.Errorf("%v; %v", err, r.Header)
	}
	id := r.Header.Get("webhook-id")
	if len(e.answers) > 0 {
		status := e.answers[0]
		e.answers = e.answers[1:]
		w.Header().Set("Location", "/elsewhere")
		e.ids = append(e.ids, id)
		w.WriteHeader(status)
		return
	}
	var event client.WebhookEvent
	if err := json.Unmarshal(body, &event); err != nil {
		e.Errorf("%s: %v", body, err)
	}
	e.heard, e.ids = append(e.heard, event), append(e.ids, id)
	w.WriteHeader(http.StatusNoContent)
}

// types are those of the events taken about a payment, sorted.
func (e *ear) types(payment string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, h := range e.heard {
		if h.Data.ID == payment {
			out = append(out, h.Type)
		}
	}
	slices.Sort(out)
	return out
}

func (e *ear) called() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls
}

// listen declares webhooks; the secret of each is under its own name.
func (w *world) listen(hooks ...plan.Webhook) {
	w.Helper()
	w.pace.Hook, w.pace.HookMost = time.Millisecond, 20*time.Millisecond
	secrets := map[string][]byte{}
	for i := range hooks {
		hooks[i].Credentials, hooks[i].Key = "hooks", hooks[i].Name
		secrets[hooks[i].Name] = []byte(hookSecret)
	}
	w.creds["hooks"] = secrets
	w.region.Webhooks = hooks
	if err := plan.Seal(w.region); err != nil {
		w.Fatal(err)
	}
}

// deliveries counts a webhook's deliveries by state.
func (w *world) deliveries(name string) map[string]int64 {
	w.Helper()
	counts, err := w.ledger.CountRecords(w.Context(), kindWebhook+name, "")
	if err != nil {
		w.Fatal(err)
	}
	return counts
}

func TestWebhooksAreToldWhatTheyWantSigned(t *testing.T) {
	w := newWorld(t)
	all, some := newEar(t, hookSecret), newEar(t, hookSecret)
	w.listen(plan.Webhook{Name: "all", URL: all.URL}, plan.Webhook{Name: "some", URL: some.URL, Events: []string{"paid", "rejected"}})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	paid := r.pay("k1", "100.00")
	r.becomes(paid.ID, client.Paid, client.Settled)
	_, err := r.api.Pay(t.Context(), "k2", request("5000.00"))
	refused := strings.TrimPrefix(w.problemOf(err).Instance, "/v1/payments/")
	r.until("all is told", func() bool {
		return len(all.types(paid.ID)) == 2 && len(some.types(paid.ID)) == 1 && len(some.types(refused)) == 1 && len(all.types(refused)) == 1
	})
	if got := all.types(paid.ID); !slices.Equal(got, []string{"payment.instructing", "payment.paid"}) {
		t.Errorf("%v", got)
	}
	if got := append(some.types(paid.ID), some.types(refused)...); !slices.Equal(got, []string{"payment.paid", "payment.rejected"}) {
		t.Errorf("%v", got)
	}
	for _, e := range all.heard {
		if e.Data.Account == "" || e.Timestamp.IsZero() || e.Type != "payment."+string(e.Data.Status) {
			t.Errorf("%+v", e)
		}
	}
	r.until("it is recorded", func() bool {
		return w.deliveries("all")[hookDelivered] == 3 && w.deliveries("some")[hookDelivered] == 2
	})
}

func TestWhatIsNotTakenIsSentAgainUnderTheSameIDAndNeverToWhereARedirectLeads(t *testing.T) {
	w := newWorld(t)
	e := newEar(t, hookSecret, http.StatusInternalServerError, http.StatusFound, http.StatusTooManyRequests, http.StatusPermanentRedirect)
	w.listen(plan.Webhook{Name: "erp", URL: e.URL, Events: []string{"accepted"}})
	// The replica that accepts is gone before it sent anything: the event was in the payment's own commit.
	first := w.idle("a", nil)
	first.fund("acme", "USD", "1000.00")
	req := request("100.00")
	later := time.Now().Add(time.Hour)
	req.ExecuteAt = &later
	p, err := first.api.Pay(t.Context(), "k", req)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.deliveries("erp"); got[hookWaiting] != 1 {
		t.Fatalf("%v", got)
	}
	r := w.start("b", nil)
	r.until("it is told", func() bool { return len(e.types(p.ID)) == 1 })
	r.until("it is recorded", func() bool { return w.deliveries("erp")[hookDelivered] == 1 })
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(slices.Compact(slices.Clone(e.ids))) != 1 || len(e.ids) != 5 || e.strayed != 0 {
		t.Errorf("IDs %v, %d redirects followed", e.ids, e.strayed)
	}
}

func TestAnEndpointThatIsGoneIsLeftAloneAndOthersForAsLongAsItTakes(t *testing.T) {
	w := newWorld(t)
	gone, deaf := newEar(t, hookSecret, http.StatusGone), newEar(t, hookSecret, slices.Repeat([]int{http.StatusBadGateway}, 10_000)...)
	w.listen(plan.Webhook{Name: "gone", URL: gone.URL, Events: []string{"rejected"}}, plan.Webhook{Name: "deaf", URL: deaf.URL, Events: []string{"rejected"}},
		plan.Webhook{Name: "away", URL: "http://127.0.0.1:1/", Events: []string{"rejected"}})
	w.pace.HookKeep = 50 * time.Millisecond
	r := w.start("a", nil)
	r.fund("acme", "USD", "1.00")
	_, err := r.api.Pay(t.Context(), "k", request("5000.00"))
	if prob := w.problemOf(err); prob.Code() != codeInsufficient {
		t.Fatal(prob)
	}
	r.until("all are done with", func() bool {
		return w.deliveries("gone")[hookGone] == 1 && w.deliveries("deaf")[hookExpired] == 1 && w.deliveries("away")[hookExpired] == 1
	})
	if gone.called() != 1 || deaf.called() == 0 {
		t.Errorf("called %d and %d times", gone.called(), deaf.called())
	}
}

func TestWithoutWebhooksNothingIsRecorded(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	puts, err := r.tell(&payment{state: client.Paid}, "paid")
	if err != nil || puts != nil {
		t.Errorf("%v, %v", puts, err)
	}
	w.listen(plan.Webhook{Name: "erp", URL: "http://127.0.0.1:1/", Events: []string{"returned"}})
	if err := r.Switch(t.Context(), w.region, w.creds); err != nil {
		t.Fatal(err)
	}
	if puts, err := r.tell(&payment{state: client.Paid}, "paid"); err != nil || puts != nil {
		t.Errorf("%v, %v", puts, err)
	}
}

func TestABadSigningSecretHoldsUpEventsAndNotPayments(t *testing.T) {
	w := newWorld(t)
	e := newEar(t, "whsec_"+strings.Repeat("QUJD", 8))
	w.listen(plan.Webhook{Name: "erp", URL: e.URL, Events: []string{"paid"}})
	w.creds["hooks"]["erp"] = []byte("hunter2")
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.pay("k", "100.00")
	r.becomes(p.ID, client.Paid, client.Settled)
	if got := w.deliveries("erp"); got[hookWaiting] != 1 || e.called() != 0 {
		t.Fatalf("%v, called %d times", got, e.called())
	}
	// While one secret is exchanged for another, both sign.
	w.creds["hooks"]["erp"] = []byte(hookSecret + " whsec_" + strings.Repeat("QUJD", 8))
	if err := r.Switch(t.Context(), w.region, w.creds); err != nil {
		t.Fatal(err)
	}
	r.until("it is told", func() bool { return len(e.types(p.ID)) == 1 })
}

func TestSigningSecretsAreCheckedAndNeverShown(t *testing.T) {
	for _, secret := range []string{"", " ", "hunter2", "whsec_hunter2", "whsec_", "whsec_aHVudGVyMg==", hookSecret + " hunter2", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		_, err := signers([]byte(secret))
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVy") {
			t.Errorf("%q: %v", secret, err)
		}
	}
	if s, err := signers([]byte(hookSecret)); err != nil || len(s) != 1 {
		t.Errorf("%v", err)
	}
}
