package lianlian_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/fxtest"
	"qiantang.dev/rails/internal/fx/lianlian"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
)

// inbox is a server with a Webhook that counts what it is told.
type inbox struct {
	mu       sync.Mutex
	payouts  map[string]int
	requests int
	refuse   int
	handler  http.Handler
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.requests++
	h := b.handler
	b.mu.Unlock()
	h.ServeHTTP(w, r)
}

func (b *inbox) notify(id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse > 0 {
		b.refuse--
		return errors.New("busy")
	}
	b.payouts[id]++
	return nil
}

func TestWebhookHandsOnEachDeliveryOnce(t *testing.T) {
	b := &inbox{payouts: map[string]int{}, refuse: 2}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	p := fxtest.Start(t, "LianLian", func(o *sim.Options, _ *plan.Provider) {
		o.Webhooks, o.WebhookInterval, o.Clock = server.URL, time.Millisecond, time.Now
	})
	h, err := lianlian.NewWebhook("lianlian", p.Secrets, nil, b.notify)
	if err != nil {
		t.Fatal(err)
	}
	b.handler = h
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Simulator.Run(ctx) }()
	const payments = 5
	ids := map[string]fx.Instruction{}
	for range payments {
		i := fxtest.Instruct(p.Locked(t))
		ids[i.ID] = i
		if _, err := p.Provider.Pay(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	// Two refusals, and each delivery repeated at least once after it was taken.
	fxtest.Await(t, "every payout's notification, and its repetition", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.payouts) == payments && b.requests >= 2*payments
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for id, n := range b.payouts {
		if _, ok := ids[id]; !ok || n != 1 {
			t.Errorf("payout %s announced %d times", id, n)
		}
	}
}

func TestWebhookRefusesWhatIsNotLianLians(t *testing.T) {
	p := fxtest.Start(t, "LianLian", nil)
	calls := 0
	h, err := lianlian.NewWebhook("lianlian", p.Secrets, nil, func(string) error { calls++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, method, signature, body string
		want                          int
	}{
		{"a GET", http.MethodGet, "", "", http.StatusMethodNotAllowed},
		{"no signature", http.MethodPost, "", "{}", http.StatusUnauthorized},
		{"not base64", http.MethodPost, "t=1,v=!!", "{}", http.StatusUnauthorized},
		{"an old time", http.MethodPost, "t=1,v=AAAA", "{}", http.StatusUnauthorized},
		{"another's signature", http.MethodPost, "t=" + strconv.FormatInt(time.Now().Unix(), 10) + ",v=AAAA", "{}", http.StatusUnauthorized},
		{"too much", http.MethodPost, "t=1,v=AAAA", strings.Repeat("x", 1<<17), http.StatusRequestEntityTooLarge},
	} {
		r := httptest.NewRequest(tc.method, "/", strings.NewReader(tc.body))
		r.Header.Set("LLPAY-Signature", tc.signature)
		r.Header.Set("LLPAY-Delivery-ID", "d1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, w.Code, tc.want)
		}
	}
	if calls != 0 {
		t.Errorf("%d handed on", calls)
	}
	if _, err := lianlian.NewWebhook("lianlian", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "webhookPublicKey") {
		t.Errorf("without a key: %v", err)
	}
}
