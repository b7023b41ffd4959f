package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"qiantang.dev/rails/internal/sim/judge"
)

// webhooks delivers LianLian's notifications as LianLian does: signed, unordered, repeated until taken and at times after.
type webhooks struct {
	url      string
	interval time.Duration
	keys     *keys
	clock    func() time.Time
	client   *http.Client
	queue    chan delivery
}

type delivery struct {
	id   string
	body []byte
	at   time.Time
	// times it was sent.
	times int
}

const (
	maxDeliveries = 12
	hookQueue     = 4096
	hookTimeout   = 5 * time.Second
	hookSenders   = 4
)

func newWebhooks(o Options, k *keys) *webhooks {
	return &webhooks{url: o.Webhooks, interval: o.WebhookInterval, keys: k, clock: o.Clock, client: &http.Client{Timeout: hookTimeout},
		queue: make(chan delivery, hookQueue)}
}

// changed announces a payout. Where the queue is full the notification is dropped: webhooks promise nothing, queries do.
func (w *webhooks) changed(r judge.Record) {
	if w.url == "" || r.Provider != lianLian {
		return
	}
	body, err := json.Marshal(map[string]any{"eventType": "payout.status", "payoutId": r.ID, "systemId": r.Ref,
		"status": map[judge.State]string{judge.Processing: "Processing", judge.Succeeded: "Successed", judge.Failed: "Failed"}[r.Fate]})
	if err != nil {
		return
	}
	select {
	case w.queue <- delivery{id: "dlv-" + r.Ref, body: body, at: r.Confirm}:
	default:
	}
}

// run sends what is due until ctx ends.
func (w *webhooks) run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, hookSenders)
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-w.queue:
			select {
			case <-ctx.Done():
				return nil
			case slots <- struct{}{}:
			}
			wg.Go(func() {
				defer func() { <-slots }()
				w.attend(ctx, d)
			})
		}
	}
}

// attend sends one delivery when it is due, and puts it back where it was not taken.
func (w *webhooks) attend(ctx context.Context, d delivery) {
	const turn = 20 * time.Millisecond // before others are looked at again
	if wait := d.at.Sub(w.clock()); wait > 0 {
		t := time.NewTimer(min(wait, turn))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if wait > turn {
			w.again(d)
			return
		}
	}
	ok := w.send(ctx, d)
	d.times++
	// What was taken is sent once more, as LianLian may.
	if (ok && d.times > 1) || d.times >= maxDeliveries {
		return
	}
	d.at = w.clock().Add(w.interval << min(d.times-1, 8))
	w.again(d)
}

func (w *webhooks) again(d delivery) {
	select {
	case w.queue <- d:
	default:
	}
}

func (w *webhooks) send(ctx context.Context, d delivery) bool {
	epoch := strconv.FormatInt(w.clock().Unix(), 10)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(d.body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("LLPAY-Delivery-ID", d.id)
	req.Header.Set("LLPAY-Signature", fmt.Sprintf("t=%s,v=%s", epoch, signRSA(w.keys.lianLianWebhook, epoch+"&"+string(d.body))))
	resp, err := w.client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode >= 200 && resp.StatusCode < 300
}
