package router

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"qiantang.dev/rails/internal/plan"
)

// hmacOnly leaves out the providers whose protocol signs every message with RSA, half a core's millisecond each: with them that is what
// would be measured.
func (w *world) hmacOnly() {
	for i := range w.region.Corridors {
		w.region.Corridors[i].Providers = []plan.RouteMember{{Name: "pingpong"}}
	}
	if err := plan.Seal(w.region); err != nil {
		w.Fatal(err)
	}
}

// BenchmarkPost is a payment by HTTP until its durable 201, with everything that follows it in the same process: instruction,
// simulators, paid booking.
func BenchmarkPost(b *testing.B) {
	w := newWorld(b)
	w.hmacOnly()
	r := w.start("a", nil)
	r.fund("acme", "USD", "900000000.00")
	body := `{"corridor":"us-cn","account":"customer:acme:USD","amount":{"currency":"USD","value":"10.00"},` +
		`"beneficiary":{"name":"Hangzhou Silk","country":"CN","account":"6222021234567890","agentBic":"ICBKCNBJ"},"purpose":"GDDS","reference":"INV-1"}`
	httpClient := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer httpClient.CloseIdleConnections()
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, r.url+"/v1/payments", strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set("Idempotency-Key", fmt.Sprintf("bench-%d", n.Add(1)))
			req.Header.Set("Content-Type", "application/json")
			resp, err := httpClient.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusCreated {
				b.Errorf("status %d", resp.StatusCode)
				return
			}
		}
	})
	b.StopTimer()
	w.until("nothing is under way", r.calm)
}

// BenchmarkBatch is a line of a batch, from its bytes to its durable result.
func BenchmarkBatch(b *testing.B) {
	w := newWorld(b)
	w.hmacOnly()
	r := w.start("a", nil)
	r.fund("acme", "USD", "900000000.00")
	body := csvBatch(b.N, func(int) string { return "10.00" })
	b.ReportAllocs()
	b.ResetTimer()
	if err := r.batch(context.Background(), typeCSV, strings.NewReader(body), io.Discard, nil); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	w.until("nothing is under way", r.calm)
}
