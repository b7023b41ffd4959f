package settle

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"qiantang.dev/rails/internal/iso20022"
)

// fakeClearing answers as an HTTP clearing system: each message once, with the status that the test sets.
type fakeClearing struct {
	mu     sync.Mutex
	seen   map[string]string // MsgId → body
	posts  int
	status func(id string, asked int) (code int, group string)
	asked  map[string]int
}

func (f *fakeClearing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var id string
	if r.Method == http.MethodPost {
		f.posts++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		m, _, err := iso20022.ReadPacs009(string(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
			return
		}
		id = m.Header.MessageID
		if old, ok := f.seen[id]; ok && old != string(body) {
			http.Error(w, "other content", http.StatusConflict)
			return
		}
		f.seen[id] = string(body)
	} else {
		id = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if _, ok := f.seen[id]; !ok {
			http.NotFound(w, r)
			return
		}
	}
	f.asked[id]++
	code, group := f.status(id, f.asked[id])
	if code != http.StatusOK {
		w.WriteHeader(code)
		return
	}
	answer := iso20022.Pacs002{MessageID: "A1", Created: "2026-11-23T09:00:00+00:00", Groups: []iso20022.GroupState{
		{MessageID: id, MessageName: iso20022.IDPacs009, Status: group},
	}}
	if group == "RJCT" {
		answer.Groups[0].Reasons = []iso20022.Reason{{Reason: &iso20022.Code{Code: "AM23"}}}
	}
	if group == "PART" {
		for i, st := range []string{"ACSC", "RJCT"} {
			answer.Transfers = append(answer.Transfers, iso20022.BankState{OriginalInstructionID: transferID(id, i), Status: st})
		}
	}
	doc, err := answer.Append(nil, false)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(doc)
}

func (b *bench) clearing(status func(id string, asked int) (int, string)) *fakeClearing {
	b.t.Helper()
	f := &fakeClearing{seen: map[string]string{}, asked: map[string]int{}, status: status}
	srv := httptest.NewServer(f)
	b.t.Cleanup(srv.Close)
	b.region.Schedules[0].Delivery.Endpoint = srv.URL + "/clearing"
	b.switchPlan()
	return f
}

func TestAnswersAreFollowedUntilFinal(t *testing.T) {
	b := newBench(t)
	f := b.clearing(func(_ string, asked int) (int, string) {
		return http.StatusOK, []string{"RCVD", "PDNG", "ACSC"}[min(asked-1, 2)]
	})
	s := b.settler(b.ledger, nil)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.set("2026-11-23T09:00:00Z")
	const name = "shanghai-daily-us-east-20261123t0900z-1"
	b.step(s)
	if r := b.run(s, name); r.Phase != "Delivering" || r.Instructions[0].Status != StatusDelivered || b.balance("pingpong", "USD") != 1000 {
		t.Fatalf("before the answer: %+v", r)
	}
	reported := len(b.reports)
	b.later(followEvery)
	b.step(s)
	if len(b.reports) != reported {
		t.Errorf("waiting alone was reported %d times", len(b.reports)-reported)
	}
	b.later(followEvery)
	b.step(s)
	if r := b.run(s, name); r.Phase != "Settled" || r.Instructions[0].Status != StatusAccepted || b.balance("pingpong", "USD") != 0 {
		t.Fatalf("after the answer: %+v", r)
	}
	if f.posts != 1 {
		t.Errorf("sent %d times", f.posts)
	}
}

func TestTroubleIsReportedAndTriedAgainWithTheSameMessage(t *testing.T) {
	b := newBench(t)
	f := b.clearing(func(_ string, asked int) (int, string) {
		if asked < 3 {
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, "ACSC"
	})
	s := b.settler(b.ledger, nil)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.set("2026-11-23T09:00:00Z")
	const name = "shanghai-daily-us-east-20261123t0900z-1"
	b.step(s)
	if r := b.run(s, name); r.Phase != "Delivering" || !strings.Contains(r.Message, "503") {
		t.Fatalf("report %+v", r)
	}
	for range 4 {
		b.later(maxBackoff)
		b.step(s)
	}
	if r := b.run(s, name); r.Phase != "Settled" || r.Message != "" || len(f.seen) != 1 {
		t.Fatalf("report %+v, %d messages", r, len(f.seen))
	}
}

func TestRejectedInstructionsFailTheRunAndAreNotBooked(t *testing.T) {
	for group, want := range map[string]struct{ pingpong, lianlian int64 }{
		"RJCT": {1000, 500}, "PART": {1000, 0},
	} {
		t.Run(group, func(t *testing.T) {
			b := newBench(t)
			b.clearing(func(string, int) (int, string) { return http.StatusOK, group })
			s := b.settler(b.ledger, nil)
			b.owe("qiantang-pay", "pingpong", "10.00", "USD")
			b.owe("qiantang-pay", "lianlian", "5.00", "USD")
			b.set("2026-11-23T09:00:00Z")
			b.step(s)
			r := b.run(s, "shanghai-daily-us-east-20261123t0900z-1")
			if r.Phase != "Failed" || r.Instructions[0].Status != StatusRejected || !strings.Contains(strings.Join(r.Breaks, "\n"), "was rejected") {
				t.Fatalf("report %+v", r)
			}
			if p, l := b.balance("pingpong", "USD"), b.balance("lianlian", "USD"); p != want.pingpong || l != want.lianlian {
				t.Errorf("left: pingpong %d, lianlian %d; want %+v", p, l, want)
			}
		})
	}
}
