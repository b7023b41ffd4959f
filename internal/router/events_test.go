package router

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"qiantang.dev/rails/pkg/client"
)

// listen opens a stream and yields its events; the channel is closed at the stream's end.
func (r *replica) listen(path string) <-chan client.Payment {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		r.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	events := make(chan client.Payment, 100)
	go func() {
		defer close(events)
		defer func() { _ = resp.Body.Close() }()
		kind := ""
		for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
			if v, ok := strings.CutPrefix(scan.Text(), "event: "); ok {
				kind = v
			}
			if v, ok := strings.CutPrefix(scan.Text(), "data: "); ok {
				var p client.Payment
				if err := json.Unmarshal([]byte(v), &p); err != nil || string(p.Status) != kind {
					r.Errorf("event %s %s: %v", kind, v, err)
				}
				events <- p
			}
		}
	}()
	return events
}

func TestEveryStepOfAPaymentIsToldAsItHappens(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "100.00")
	all := r.listen("/v1/events")
	id := r.pay("k", "10.00").ID
	var seen []client.Status
	for p := range all {
		if p.ID != id {
			t.Errorf("event of %s", p.ID)
		}
		if seen = append(seen, p.Status); p.Status == client.Paid {
			break
		}
	}
	if seen[0] != client.Instructing {
		t.Errorf("saw %v", seen)
	}
	r.becomes(id, client.Paid)
	var one []client.Status
	for p := range r.listen("/v1/payments/" + id + "/events") { // ends by itself
		one = append(one, p.Status)
	}
	if len(one) != 1 || one[0] != client.Paid {
		t.Errorf("of a paid payment: %v", one)
	}
	resp, err := http.Get(r.url + "/v1/payments/nothing/events")
	if err != nil {
		t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusNotFound {
		t.Errorf("of no payment: %d", resp.StatusCode)
	}
	r.stop()
	if _, more := <-all; more {
		t.Error("the stream goes on after the router's end")
	}
}

func TestASlowReaderIsCutOffAndNeverWaitedFor(t *testing.T) {
	var f feed
	r, ok := f.subscribe("")
	if !ok {
		t.Fatal("not subscribed")
	}
	p := &payment{state: client.Paid}
	for range readerBehind + 2 {
		f.publish(p)
	}
	n := 0
	for range r.events {
		n++
	}
	if n != readerBehind || len(f.readers) != 0 {
		t.Errorf("%d events, %d readers left", n, len(f.readers))
	}
	f.leave(r) // once more is harmless
	for range maxReaders {
		if _, ok := f.subscribe(""); !ok {
			t.Fatal("refused too early")
		}
	}
	if _, ok := f.subscribe(""); ok {
		t.Error("readers are not bounded")
	}
	f.close()
	if len(f.readers) != 0 {
		t.Error("readers left")
	}
}

func TestTheDescriptionNamesEveryTypeThatIsServed(t *testing.T) {
	w := newWorld(t)
	r := w.idle("a", nil)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.url+"/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Schema map[string]any }
			}
			Responses map[string]struct {
				Content map[string]struct{ Schema map[string]any }
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for path := range doc.Paths {
		if !strings.Contains(string(manual), " "+path) {
			t.Errorf("docs/api.md does not name %s", path)
		}
	}
	for path, want := range map[string][2]string{
		"/v1/payments": {"PaymentRequest", "Payment"}, "/v1/accounts": {"AccountRequest", "Account"},
		"/v1/deposits": {"DepositRequest", "Deposit"}, "/v1/quotes": {"QuoteRequest", "Quote"}, "/v1/payments/{id}/return": {"ReturnRequest", "Payment"},
	} {
		op := doc.Paths[path]["post"]
		in, out := op.RequestBody.Content["application/json"].Schema["$ref"], ""
		for status, resp := range op.Responses {
			if status[0] == '2' {
				out, _ = resp.Content["application/json"].Schema["$ref"].(string)
			}
		}
		if in != "#/components/schemas/"+want[0] || out != "#/components/schemas/"+want[1] {
			t.Errorf("%s takes %v and answers %v", path, in, out)
		}
	}
}
