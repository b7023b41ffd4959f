package fx

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// scripted is a Provider whose answers a test gives.
type scripted struct {
	quote func(ctx context.Context, n int64, q QuoteRequest) (Quote, error)
	pay   func(ctx context.Context, n int64) (Status, error)

	quotes, locks, pays, queries atomic.Int64
}

func (s *scripted) Quote(ctx context.Context, q QuoteRequest) (Quote, error) {
	return s.quote(ctx, s.quotes.Add(1), q)
}
func (s *scripted) Lock(_ context.Context, q Quote) (Quote, error) {
	s.locks.Add(1)
	q.Expires = q.Expires.Add(time.Hour)
	return q, nil
}
func (s *scripted) Pay(ctx context.Context, _ Instruction) (Status, error) {
	return s.pay(ctx, s.pays.Add(1))
}
func (s *scripted) Query(ctx context.Context, _ Instruction) (Status, error) {
	s.queries.Add(1)
	return Status{Outcome: NotFound}, ctx.Err()
}

func failure(class Class, code string) error {
	return &Error{Provider: "p", Op: "x", Class: class, Code: code, Err: errors.New(code)}
}

func ask() QuoteRequest {
	return QuoteRequest{Sell: money.FromMinor(10000, "USD"), Buy: money.Zero("CNY"), Latest: time.Now().Add(time.Minute)}
}

func priced(q QuoteRequest, expires time.Time, reusable bool) (Quote, error) {
	r, err := money.ParseRate("7.2")
	if err != nil {
		return Quote{}, err
	}
	sell, buy, err := Price(q, r)
	return Quote{Provider: "p", ID: "q", Sell: sell, Buy: buy, Rate: r, Fee: money.Zero("USD"), Expires: expires, Guaranteed: true, Reusable: reusable}, err
}

func limits() Limits {
	return LimitsOf(plan.Provider{QuoteTimeout: plan.Duration(5 * time.Second), ExecuteTimeout: plan.Duration(5 * time.Second),
		MaxConcurrent: 8, BreakerFailures: 3, BreakerOpen: plan.Duration(time.Hour)})
}

// await waits until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); !holds(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited in vain for " + what)
		}
	}
}

func codeOf(t *testing.T, err error) string {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *Error", err)
	}
	return e.Code
}

func TestOnlyIndicativeQuotesAreLockedByRequest(t *testing.T) {
	s := &scripted{}
	l := limits()
	l.Rate, l.Burst = 1, 1
	g := Guard(s, "p", l, nil, nil)
	firm, err := priced(ask(), time.Now().Add(time.Minute), true)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // more than the rate limit would let through
		if got, err := g.Lock(t.Context(), firm); err != nil || got != firm {
			t.Errorf("%+v, %v", got, err)
		}
	}
	indicative := firm
	indicative.Guaranteed = false
	if _, err := g.Lock(t.Context(), indicative); err != nil || s.locks.Load() != 1 {
		t.Errorf("%d locks, %v", s.locks.Load(), err)
	}
	firm.Expires = time.Now().Add(-time.Second)
	if _, err := g.Lock(t.Context(), firm); codeOf(t, err) != codeExpired {
		t.Error(err)
	}
}

func TestPaymentsAreSentOnceWhateverHappens(t *testing.T) {
	for _, err := range []error{nil, failure(Retryable, "transport"), failure(Uncertain, "timeout"), failure(Final, "no")} {
		s := &scripted{pay: func(context.Context, int64) (Status, error) { return Status{Outcome: Succeeded}, err }}
		_, got := Guard(s, "p", limits(), nil, nil).Pay(t.Context(), Instruction{ID: "1"})
		if !errors.Is(got, err) || s.pays.Load() != 1 {
			t.Errorf("%v: sent %d times, %v", err, s.pays.Load(), got)
		}
	}
}

func TestAnAdapterThatDoesNotClassifyIsTakenAtTheWorst(t *testing.T) {
	s := &scripted{pay: func(context.Context, int64) (Status, error) { return Status{}, errors.New("what?") }}
	_, err := Guard(s, "p", limits(), nil, nil).Pay(t.Context(), Instruction{})
	var e *Error
	if !errors.As(err, &e) || e.Class != Uncertain {
		t.Error(err)
	}
}

func TestBreakerOpensAfterFailuresAndTriesAgain(t *testing.T) {
	broken := true
	s := &scripted{
		pay: func(context.Context, int64) (Status, error) {
			if broken {
				return Status{}, failure(Uncertain, "http-500")
			}
			return Status{Outcome: Succeeded}, nil
		},
		quote: func(_ context.Context, _ int64, q QuoteRequest) (Quote, error) { return priced(q, q.Latest, true) },
	}
	l := limits()
	l.Open = 20 * time.Millisecond
	reg := prometheus.NewRegistry()
	m, err := NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	g := Guard(s, "p", l, m, nil)
	if _, err := g.Quote(t.Context(), ask()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, _ = g.Pay(t.Context(), Instruction{})
	}
	_, err = g.Pay(t.Context(), Instruction{})
	var e *Error
	if !errors.As(err, &e) || e.Code != codeOpen || e.Class != Retryable || s.pays.Load() != 3 || !g.Health().Open {
		t.Fatalf("%v after %d, %+v", err, s.pays.Load(), g.Health())
	}
	// Nothing is promised of a provider that cannot pay, also not from the cache.
	if _, err := g.Quote(t.Context(), ask()); codeOf(t, err) != codeOpen {
		t.Error(err)
	}
	broken = false
	await(t, "the circuit to try again", func() bool { return !g.Health().Open })
	for range 2 {
		if _, err := g.Pay(t.Context(), Instruction{}); err != nil {
			t.Error(err)
		}
	}
	if h := g.Health(); h.Open || h.HalfOpen {
		t.Errorf("%+v", h)
	}
	if families, err := reg.Gather(); err != nil || len(families) == 0 {
		t.Errorf("%d metrics, %v", len(families), err)
	}
}

func TestRefusalsAndOurOwnDoNotOpenTheBreaker(t *testing.T) {
	for _, err := range []error{failure(Final, "no"), failure(Retryable, codeRateLimited), failure(Retryable, codeCancelled)} {
		s := &scripted{pay: func(context.Context, int64) (Status, error) { return Status{}, err }}
		g := Guard(s, "p", limits(), nil, nil)
		for range 10 {
			_, _ = g.Pay(t.Context(), Instruction{})
		}
		if g.Health().Open {
			t.Errorf("%v opened it", err)
		}
	}
}

func TestBulkheadKeepsRoomForPayments(t *testing.T) {
	s := &scripted{
		quote: func(ctx context.Context, _ int64, _ QuoteRequest) (Quote, error) {
			<-ctx.Done()
			return Quote{}, failure(Retryable, codeCancelled)
		},
		pay: func(context.Context, int64) (Status, error) { return Status{Outcome: Succeeded}, nil },
	}
	l := limits()
	l.Concurrent = 4
	g := Guard(s, "p", l, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, c := range []money.Currency{"USD", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD"} {
		wg.Go(func() { _, _ = g.Quote(ctx, QuoteRequest{Sell: money.FromMinor(1, c), Buy: money.Zero("CNY")}) })
	}
	await(t, "three quotes at once", func() bool { return g.Health().InFlight == 3 })
	if _, err := g.Pay(t.Context(), Instruction{}); err != nil {
		t.Error(err)
	}
	if n := g.Health().InFlight; n != 3 {
		t.Errorf("%d quotes at once, want 3", n)
	}
	soon, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	_, err := g.Quote(soon, QuoteRequest{Sell: money.FromMinor(1, "EUR"), Buy: money.Zero("CNY")})
	if codeOf(t, err) != codeBusy {
		t.Error(err)
	}
	cancel()
	wg.Wait()
}

func TestRateLimitRefusesWhatCannotWait(t *testing.T) {
	s := &scripted{pay: func(context.Context, int64) (Status, error) { return Status{Outcome: Succeeded}, nil }}
	l := limits()
	l.Rate, l.Burst, l.ExecuteTimeout = 1, 2, 50*time.Millisecond
	g := Guard(s, "p", l, nil, nil)
	for range 2 {
		if _, err := g.Pay(t.Context(), Instruction{}); err != nil {
			t.Error(err)
		}
	}
	_, err := g.Pay(t.Context(), Instruction{})
	if codeOf(t, err) != codeRateLimited || s.pays.Load() != 2 {
		t.Errorf("%v after %d", err, s.pays.Load())
	}
}

func TestHealthCountsWhatPaymentsCameTo(t *testing.T) {
	ok := false
	s := &scripted{pay: func(context.Context, int64) (Status, error) {
		if ok {
			return Status{Outcome: Succeeded}, nil
		}
		return Status{}, failure(Final, "refused")
	}}
	g := Guard(s, "p", limits(), nil, nil)
	for range 50 {
		_, _ = g.Pay(t.Context(), Instruction{})
	}
	low := g.Health()
	if low.SuccessBps > 3000 || low.LastError != "refused" || low.Failures != 50 || low.Requests != 50 {
		t.Errorf("%+v", low)
	}
	ok = true
	for range 100 {
		_, _ = g.Pay(t.Context(), Instruction{})
	}
	if h := g.Health(); h.SuccessBps < 9000 {
		t.Errorf("%+v", h)
	}
}

func TestLimitsAreBoundedByOurs(t *testing.T) {
	l := LimitsOf(plan.Provider{QuoteTimeout: plan.Duration(24 * time.Hour), ExecuteTimeout: -1, MaxConcurrent: -5, RateLimit: -1, BreakerFailures: -1})
	if l.QuoteTimeout != maxTimeout || l.ExecuteTimeout != defaultExecute || l.Concurrent != defaultConcurrent || l.Rate != 0 || l.Failures != defaultFailures {
		t.Errorf("%+v", l)
	}
}

func TestErrorNamesProviderOperationAndCode(t *testing.T) {
	err := failure(Final, "no-pair")
	for _, part := range []string{"p", "x", "no-pair", "final"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %s", err, part)
		}
	}
}
