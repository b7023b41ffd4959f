package openfx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// desk is a server of which only what a test says is there.
func desk(t *testing.T, h http.HandlerFunc) *Adapter {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	p, err := Open(plan.Provider{Name: "desk", Endpoint: s.URL}, map[string][]byte{"clientId": []byte("c"), "token": []byte("token"), "signingKey": []byte("key")}, s.Client())
	if err != nil {
		t.Fatal(err)
	}
	return p.(*Adapter)
}

func instructions(n int) []fx.Instruction {
	out := make([]fx.Instruction, n)
	for i := range out {
		out[i] = fx.Instruction{ID: uuid.NewString(), Quote: fx.Quote{ID: "q", Sell: money.FromMinor(100, "USD"), Buy: money.FromMinor(700, "CNY")}}
	}
	return out
}

// payAll hands all in before any can be sent, so that they come together.
func payAll(ctx context.Context, a *Adapter, all []fx.Instruction) []error {
	errs := make([]error, len(all))
	batch := make([]*pending, len(all))
	for i := range all {
		batch[i] = &pending{i: all[i], body: []byte(`{}`), done: make(chan outcome, 1)}
	}
	a.sendPayouts(ctx, batch)
	for i, p := range batch {
		o := <-p.done
		if errs[i] = o.err; o.err == nil && o.status.Outcome != fx.Succeeded {
			errs[i] = fmt.Errorf("outcome %s", o.status.Outcome)
		}
	}
	return errs
}

const paidText = `{"id":%q,"reference":"r","status":"succeeded","buyCurrency":"CNY","buyAmount":"7.00"}`

func idsOf(body string) []string {
	var ids []string
	for _, part := range strings.Split(body, `{"id":"`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		ids = append(ids, id)
	}
	return ids
}

func TestPayoutsThatComeTogetherAreOneRequest(t *testing.T) {
	var requests atomic.Int64
	a := desk(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		b, _ := io.ReadAll(r.Body)
		var out []string
		for _, id := range idsOf(string(b)) {
			out = append(out, fmt.Sprintf(paidText, id))
		}
		_, _ = io.WriteString(w, `{"results":[`+strings.Join(out, ",")+`]}`)
	})
	for i, err := range payAll(t.Context(), a, instructions(7)) {
		if err != nil {
			t.Errorf("payout %d: %v", i, err)
		}
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// A server that does not know the request says that it did nothing, so that all may be sent alone at once; a gateway's word proves
// nothing, so that each must be asked about first.
func TestAServerThatTakesPayoutsOneByOneIsSentThemSo(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  fx.Class // of what came together first; empty: paid
	}{
		"by the contract": {http.StatusNotFound, `{"status":404,"code":"not-found"}`, ""},
		"by a gateway":    {http.StatusNotFound, "no such page", fx.Uncertain},
		"not allowed":     {http.StatusMethodNotAllowed, "", fx.Uncertain},
		"not implemented": {http.StatusNotImplemented, "", fx.Uncertain},
	} {
		t.Run(name, func(t *testing.T) {
			var many atomic.Int64
			a := desk(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					many.Add(1)
					w.WriteHeader(tc.status)
					_, _ = io.WriteString(w, tc.body)
					return
				}
				_, _ = fmt.Fprintf(w, paidText, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
			})
			for i, err := range payAll(t.Context(), a, instructions(3)) {
				var e *fx.Error
				if tc.class == "" && err != nil || tc.class != "" && (!errors.As(err, &e) || e.Class != tc.class) {
					t.Errorf("payout %d: %v", i, err)
				}
			}
			for i, err := range payAll(t.Context(), a, instructions(3)) {
				if err != nil {
					t.Errorf("later payout %d: %v", i, err)
				}
			}
			if many.Load() != 1 {
				t.Errorf("asked for many %d times", many.Load())
			}
		})
	}
}

func TestAnAnswerToManyIsTakenOneByOne(t *testing.T) {
	all := instructions(4)
	a := desk(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"results":[`+fmt.Sprintf(paidText, all[0].ID)+`,`+
			fmt.Sprintf(`{"id":%q,"problem":{"status":422,"code":"invalid","detail":"no account"}}`, all[1].ID)+`,`+
			fmt.Sprintf(`{"id":%q,"problem":{"status":503,"code":"unavailable"}}`, all[2].ID)+`,`+
			fmt.Sprintf(paidText, "another")+`]}`)
	})
	errs := payAll(t.Context(), a, all)
	if errs[0] != nil {
		t.Error(errs[0])
	}
	for i, want := range []fx.Class{1: fx.Final, 2: fx.Uncertain, 3: fx.Uncertain} {
		var e *fx.Error
		if want != "" && (!errors.As(errs[i], &e) || e.Class != want) {
			t.Errorf("payout %d: %v, want %s", i, errs[i], want)
		}
	}
}

func TestAnAnswerOfAnotherLengthIsOfNone(t *testing.T) {
	all := instructions(2)
	a := desk(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"results":[`+fmt.Sprintf(paidText, all[0].ID)+`]}`)
	})
	for i, err := range payAll(t.Context(), a, all) {
		var e *fx.Error
		if !errors.As(err, &e) || e.Class != fx.Uncertain || e.Code != "malformed" {
			t.Errorf("payout %d: %v", i, err)
		}
	}
}

func TestAPayoutWithdrawnBeforeItIsSentWasNotSent(t *testing.T) {
	var g gatherer
	hold := make(chan struct{})
	g.send = func(_ context.Context, batch []*pending) {
		<-hold
		for _, p := range batch {
			p.done <- outcome{}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	sent := &pending{}
	var wait sync.WaitGroup
	var first outcome
	started := make(chan struct{})
	wait.Go(func() { close(started); first = g.pay(ctx, sent) })
	<-started
	waits := &pending{done: make(chan outcome, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, waits)
	g.mu.Unlock()
	if !g.withdraw(waits) || g.withdraw(waits) {
		t.Error("a payout that waits can be withdrawn, once")
	}
	cancel()
	wait.Wait()
	close(hold)
	if !errors.Is(first.err, errGivenUp) && !errors.Is(first.err, errWithdrawn) {
		t.Errorf("%v", first.err)
	}
	if o := g.pay(ctx, &pending{}); !errors.Is(o.err, errWithdrawn) {
		t.Errorf("after its time: %v", o.err)
	}
}

func TestManyPayoutsAreWrittenAsEachAlone(t *testing.T) {
	got := together([]*pending{{i: fx.Instruction{ID: "a"}, body: []byte(`{"x":1}`)}, {i: fx.Instruction{ID: "b"}, body: []byte(`{}`)}})
	if want := `{"payouts":[{"id":"a","payout":{"x":1}},{"id":"b","payout":{}}]}`; !bytes.Equal(got, []byte(want)) {
		t.Errorf("%s", got)
	}
}
