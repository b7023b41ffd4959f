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

	quotes, pays, queries atomic.Int64
}

func (s *scripted) Quote(ctx context.Context, q QuoteRequest) (Quote, error) {
	return s.quote(ctx, s.quotes.Add(1), q)
}
func (s *scripted) Lock(_ context.Context, q Quote) (Quote, error) {
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

func codeOf(t *testing.T, err error) string {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *Error", err)
	}
	return e.Code
}

func TestQuoteExpiryIsOurs(t *testing.T) {
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &scripted{quote: func(_ context.Context, _ int64, q QuoteRequest) (Quote, error) { return priced(q, far, true) }}
	g := Guard(s, "p", limits(), nil, nil)
	for range 2 { // asked, then cached
		q, err := g.Quote(t.Context(), ask())
		if err != nil || q.Expires.After(time.Now().Add(time.Minute)) {
			t.Errorf("%v, %v", q.Expires, err)
		}
	}
	q, err := g.Quote(t.Context(), ask())
	if err != nil {
		t.Fatal(err)
	}
	if locked, err := g.Lock(t.Context(), q); err != nil || locked.Expires.After(q.Expires) {
		t.Errorf("locked until %v, quoted until %v, %v", locked.Expires, q.Expires, err)
	}
}

func TestAnExpiredQuoteIsNone(t *testing.T) {
	s := &scripted{quote: func(_ context.Context, _ int64, q QuoteRequest) (Quote, error) {
		return priced(q, time.Now().Add(-time.Second), true)
	}}
	_, err := Guard(s, "p", limits(), nil, nil).Quote(t.Context(), ask())
	if codeOf(t, err) != codeExpired {
		t.Error(err)
	}
}

func TestQuotesAreCachedWhileFirmAndOnlyThen(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	advance := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	s := &scripted{quote: func(_ context.Context, _ int64, q QuoteRequest) (Quote, error) {
		return priced(q, clock().Add(40*time.Second), true)
	}}
	g := Guard(s, "p", limits(), nil, clock)
	get := func(minor, asked int64) {
		t.Helper()
		q := ask()
		q.Sell, q.Latest = money.FromMinor(minor, "USD"), clock().Add(time.Hour)
		got, err := g.Quote(t.Context(), q)
		if err != nil || got.Sell != q.Sell || got.Buy.Minor() != minor*72/10 {
			t.Errorf("%+v, %v", got, err)
		}
		if n := s.quotes.Load(); n != asked {
			t.Errorf("asked %d times, want %d", n, asked)
		}
	}
	get(10000, 1)
	get(500, 1)
	advance(29 * time.Second)
	get(70, 1)
	advance(2 * time.Second) // less than a quarter of its life is left: not enough to pay with
	get(70, 2)
	g.cache.drop(pair{"USD", "CNY"})
	get(70, 3)
}

func TestQuotesForOneAmountAreNotCached(t *testing.T) {
	for name, change := range map[string]func(*Quote){
		"not reusable": func(q *Quote) { q.Reusable = false },
		"with a fee":   func(q *Quote) { q.Fee = money.FromMinor(1, "USD") },
	} {
		s := &scripted{quote: func(_ context.Context, _ int64, q QuoteRequest) (Quote, error) {
			got, err := priced(q, q.Latest, true)
			change(&got)
			return got, err
		}}
		g := Guard(s, "p", limits(), nil, nil)
		for range 3 {
			if _, err := g.Quote(t.Context(), ask()); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.quotes.Load(); n != 3 {
			t.Errorf("%s: asked %d times, want 3", name, n)
		}
	}
}

func TestARenewalIsAskedForOnce(t *testing.T) {
	release := make(chan struct{})
	s := &scripted{quote: func(_ context.Context, n int64, q QuoteRequest) (Quote, error) {
		if n > 1 {
			<-release
		}
		return priced(q, q.Latest, true)
	}}
	g := Guard(s, "p", limits(), nil, nil)
	if _, err := g.Quote(t.Context(), ask()); err != nil {
		t.Fatal(err)
	}
	g.cache.drop(pair{"USD", "CNY"})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := g.Quote(t.Context(), ask()); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := s.quotes.Load(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

func TestASlowQuoteIsHedged(t *testing.T) {
	s := &scripted{quote: func(ctx context.Context, n int64, q QuoteRequest) (Quote, error) {
		if n == 1 {
			<-ctx.Done()
			return Quote{}, failure(Retryable, codeCancelled)
		}
		return priced(q, q.Latest, false)
	}}
	l := limits()
	l.HedgeAfter = time.Millisecond
	g := Guard(s, "p", l, nil, nil)
	if _, err := g.Quote(t.Context(), ask()); err != nil || s.quotes.Load() != 2 {
		t.Errorf("asked %d times, %v", s.quotes.Load(), err)
	}
	// The request that lost says nothing of the provider.
	for g.Health().InFlight > 0 {
		time.Sleep(time.Millisecond)
	}
	if h := g.Health(); h.Open {
		t.Errorf("%+v", h)
	}
}

func TestAFailedQuoteIsAskedAgainOnceWhereThatMayHelp(t *testing.T) {
	for _, tc := range []struct {
		class Class
		code  string
		want  int64
	}{{Retryable, "transport", 2}, {Retryable, "http-503", 2}, {Final, "no-pair", 1}, {Retryable, codeRateLimited, 1}} {
		s := &scripted{quote: func(context.Context, int64, QuoteRequest) (Quote, error) { return Quote{}, failure(tc.class, tc.code) }}
		_, err := Guard(s, "p", limits(), nil, nil).Quote(t.Context(), ask())
		if codeOf(t, err) != tc.code || s.quotes.Load() != tc.want {
			t.Errorf("%s: asked %d times, want %d: %v", tc.code, s.quotes.Load(), tc.want, err)
		}
	}
}

func TestHedgesAreAtMostATenthOfRequestsForLong(t *testing.T) {
	var b budget
	spent := 0
	for range 1000 {
		b.earn()
		if b.spend() {
			spent++
		}
	}
	if spent > 100+hedgeStart/hedgeCost || spent < 100 {
		t.Errorf("%d hedges for 1000 requests", spent)
	}
}

func TestP95IsOfTheLatestQuotes(t *testing.T) {
	tr := newTrack()
	for i := range 100 {
		tr.latency(time.Duration(i+1) * time.Millisecond)
	}
	if p := tr.snapshot().P95; p < 90*time.Millisecond || p > 100*time.Millisecond {
		t.Errorf("p95 %s", p)
	}
	for range 2 * window {
		tr.latency(time.Millisecond)
	}
	if p := tr.snapshot().P95; p != time.Millisecond {
		t.Errorf("p95 %s", p)
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
	for deadline := time.Now().Add(10 * time.Second); g.Health().Open; {
		if time.Now().After(deadline) {
			t.Fatal("stays open")
		}
		time.Sleep(time.Millisecond)
	}
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
	for range 10 {
		wg.Go(func() { _, _ = g.Quote(ctx, ask()) })
	}
	for g.Health().InFlight < 3 {
		time.Sleep(time.Millisecond)
	}
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
