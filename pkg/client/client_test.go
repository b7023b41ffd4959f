package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve starts a worker that answers as h does, and a client of it that waits for nothing.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(s.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Wait, c.MaxWait = time.Microsecond, time.Microsecond
	return c
}

func TestARequestIsSentAgainWithTheSameKeyUntilItIsAnswered(t *testing.T) {
	var n atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), `"corridor":"us-cn"`) || r.Header.Get("Idempotency-Key") != "k" {
			t.Errorf("request %s %v %v", body, r.Header, err)
		}
		switch n.Add(1) {
		case 1:
			w.Header().Set("Retry-After", "3600") // bounded by MaxWait
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			w.WriteHeader(http.StatusBadGateway)
		case 3:
			hijacked, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = hijacked.Close()
		default:
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"id":"p","status":"instructing"}`)
		}
	})
	p, err := c.Pay(t.Context(), "k", PaymentRequest{Corridor: "us-cn"})
	if err != nil || p.ID != "p" || n.Load() != 4 {
		t.Errorf("%+v, %v after %d requests", p, err, n.Load())
	}
}

func TestARefusalIsAProblemAndIsNotSentAgain(t *testing.T) {
	var n atomic.Int32
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"type":"`+ProblemBase+`invalid","title":"Unprocessable Entity","status":422,"errors":[{"location":"body.amount.value","value":"x","message":"want digits"}]}`)
	})
	_, err := c.Pay(t.Context(), "k", PaymentRequest{})
	var p *Problem
	if !errors.As(err, &p) || p.Code() != "invalid" || p.Errors[0].Value != "x" || n.Load() != 1 {
		t.Fatalf("%v after %d requests", err, n.Load())
	}
	for _, part := range []string{"422", "body.amount.value", `"x"`, "want digits"} {
		if !strings.Contains(p.Error(), part) {
			t.Errorf("%q does not say %s", p.Error(), part)
		}
	}
}

func TestAnAnswerThatIsNoProblemBecomesOne(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "who are you", http.StatusForbidden) })
	_, err := c.Summary(t.Context())
	var p *Problem
	if !errors.As(err, &p) || p.Status != http.StatusForbidden || p.Detail != "who are you" {
		t.Errorf("%#v", err)
	}
}

func TestACancelledCallerWaitsNoLonger(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	c.Wait, c.MaxWait = time.Hour, time.Hour
	if _, err := c.Corridors(ctx); err == nil {
		t.Error("answered")
	}
}

func TestABatchYieldsResultsAndItsOwnErrors(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != CSV {
			http.Error(w, "no", http.StatusUnsupportedMediaType)
			return
		}
		_, _ = fmt.Fprintln(w, `{"line":1,"code":201,"payment":{"id":"p"}}`)
		_, _ = fmt.Fprintln(w, `{"line":2,"code":422,"problem":{"title":"no","status":422}}`)
		_, _ = fmt.Fprint(w, `{"line":`)
	})
	var got []BatchResult
	var last error
	for r, err := range c.Batch(t.Context(), CSV, strings.NewReader("x")) {
		if last = err; err == nil {
			got = append(got, r)
		}
	}
	if len(got) != 2 || got[0].Payment.ID != "p" || got[1].Problem.Status != 422 || last == nil {
		t.Errorf("%+v, %v", got, last)
	}
	for _, err := range c.Batch(t.Context(), NDJSON, strings.NewReader("x")) {
		var p *Problem
		if !errors.As(err, &p) || p.Status != http.StatusUnsupportedMediaType {
			t.Errorf("%v", err)
		}
	}
}

func TestAURLThatIsNoneIsRefused(t *testing.T) {
	for _, u := range []string{"", "127.0.0.1:8080", "ftp://x", "http://"} {
		if _, err := New(u, nil); err == nil {
			t.Errorf("%q is taken", u)
		}
	}
}

func TestWhatHasNoMethodIsRead(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/some":
			_, _ = io.WriteString(w, `{"a":1}`)
		case "/v1/broken":
			_, _ = io.WriteString(w, `{"a":`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	c, err := New(s.URL, s.Client())
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ A int }
	if err := c.Get(t.Context(), "/v1/some", &out); err != nil || out.A != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	if err := c.Get(t.Context(), "/v1/broken", &out); err == nil || !strings.Contains(err.Error(), "/v1/broken") {
		t.Errorf("broken: %v", err)
	}
	var p *Problem
	if err := c.Get(t.Context(), "/v1/none", &out); !errors.As(err, &p) || p.Status != http.StatusNotFound {
		t.Errorf("none: %v", err)
	}
}
