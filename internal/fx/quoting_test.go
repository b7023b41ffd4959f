package fx

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qiantang.dev/rails/internal/money"
)

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
	q.Guaranteed = false
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
	advance(19 * time.Second)
	get(70, 1)
	advance(12 * time.Second) // less than a quarter of its life is left: not enough to pay with
	get(70, 2)
	g.cache.drop(pair{"USD", "CNY"})
	get(70, 3)
}

func TestQuotesAreRenewedBeforeTheyRunOut(t *testing.T) {
	var now atomic.Int64
	clock := func() time.Time { return time.Unix(now.Load(), 0) }
	s := &scripted{quote: func(_ context.Context, _ int64, q QuoteRequest) (Quote, error) {
		return priced(q, clock().Add(40*time.Second), true)
	}}
	g := Guard(s, "p", limits(), nil, clock)
	get := func() Quote {
		t.Helper()
		q, err := g.Quote(t.Context(), QuoteRequest{Sell: money.FromMinor(1, "USD"), Buy: money.Zero("CNY")})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	first := get()
	now.Store(25)
	if q := get(); !q.Expires.Equal(first.Expires) {
		t.Errorf("waited for the renewal: %v", q.Expires)
	}
	await(t, "the renewal", func() bool { return !get().Expires.Equal(first.Expires) })
	if n := s.quotes.Load(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
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

func TestAPairIsAskedForOnceHoweverManyWantIt(t *testing.T) {
	release := make(chan struct{})
	s := &scripted{quote: func(_ context.Context, _ int64, q QuoteRequest) (Quote, error) {
		<-release
		return priced(q, q.Latest, true)
	}}
	g := Guard(s, "p", limits(), nil, nil)
	for round := range int64(2) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := g.Quote(t.Context(), ask()); err != nil {
					t.Error(err)
				}
			})
		}
		if round == 0 {
			close(release)
		}
		wg.Wait()
		if n := s.quotes.Load(); n != round+1 {
			t.Errorf("round %d: asked %d times", round, n)
		}
		g.cache.drop(pair{"USD", "CNY"})
	}
}

func TestAFailedRequestFailsOnlyWhoSentIt(t *testing.T) {
	var begun, release = make(chan struct{}), make(chan struct{})
	s := &scripted{quote: func(_ context.Context, n int64, q QuoteRequest) (Quote, error) {
		if n == 1 {
			close(begun)
			<-release
			return Quote{}, failure(Retryable, codeRateLimited)
		}
		return priced(q, q.Latest, true)
	}}
	g := Guard(s, "p", limits(), nil, nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := g.Quote(t.Context(), ask()); codeOf(t, err) != codeRateLimited {
			t.Error(err)
		}
	})
	<-begun
	for range 10 {
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
	await(t, "the request that lost", func() bool { return g.Health().InFlight == 0 })
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
