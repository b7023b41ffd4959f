package ecb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/wire"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

const (
	// defaultRefresh is how old a table may be before it is loaded again; the ECB publishes once a working day.
	defaultRefresh = time.Hour
	// retryAfter is how long after a failed loading the next is tried.
	retryAfter = 5 * time.Second
	// maxTable bounds what is read: the whole history has about 600 kB.
	maxTable = 8 << 20
)

// Adapter is an fx.Reference, and an fx.Provider that pays nothing. It loads when first asked and again when what it has is old; old
// rates are served while new ones are loaded, and say their date.
type Adapter struct {
	name    string
	source  string
	client  *http.Client
	timeout time.Duration
	refresh time.Duration
	now     func() time.Time

	mu      sync.Mutex
	table   *Table
	crosses map[[2]money.Currency]money.Rate // the table's, as far as they were asked for: each takes a division
	err     error
	next    time.Time     // when to load again
	loading chan struct{} // closed when the load under way has ended; nil when none is
}

// Open makes an Adapter. The endpoint is a URL or a file's path. Parameter refresh (1h) is optional.
func Open(p plan.Provider, _ map[string][]byte, client *http.Client) (fx.Provider, error) {
	a := &Adapter{name: p.Name, source: p.Endpoint, client: client, timeout: p.QuoteTimeout.D(), refresh: defaultRefresh, now: time.Now}
	if a.timeout <= 0 {
		a.timeout = 10 * time.Second
	}
	if a.client == nil {
		a.client = http.DefaultClient
	}
	if a.source == "" {
		return nil, fmt.Errorf("provider %s: endpoint: want a URL or a file", p.Name)
	}
	if v := p.Parameters["refresh"]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("provider %s: parameter refresh %q: want a duration such as 1h", p.Name, v)
		}
		a.refresh = d
	}
	return a, nil
}

// Rate is the cross of the newest table. The first call waits for the loading, within the provider's quote time-out.
func (a *Adapter) Rate(sell, buy money.Currency) (money.Rate, time.Time, error) {
	t, known, err := a.current(context.Background(), [2]money.Currency{sell, buy})
	switch {
	case err != nil:
		return money.Rate{}, time.Time{}, err
	case !known.IsZero():
		return known, t.Date, nil
	}
	r, err := t.Cross(sell, buy)
	if err == nil {
		a.mu.Lock()
		if a.table == t {
			a.crosses[[2]money.Currency{sell, buy}] = r // at most as many as the table has pairs
		}
		a.mu.Unlock()
	}
	return r, t.Date, err
}

// current is the table to use: what is there, or, where nothing is, what the loading brings. Where the pair's rate is known already, it
// comes along.
func (a *Adapter) current(ctx context.Context, pair [2]money.Currency) (*Table, money.Rate, error) {
	a.mu.Lock()
	if a.loading == nil && !a.now().Before(a.next) {
		a.loading = make(chan struct{})
		go a.load(a.loading)
	}
	t, err, loading, known := a.table, a.err, a.loading, a.crosses[pair]
	a.mu.Unlock()
	if t != nil {
		return t, known, nil
	}
	if loading == nil {
		return nil, known, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	select {
	case <-loading:
	case <-ctx.Done():
		return nil, known, fmt.Errorf("provider %s: reference rates: %w", a.name, ctx.Err())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.table == nil {
		return nil, known, a.err
	}
	return a.table, a.crosses[pair], nil
}

// load reads the source once, bounded in time, and wakes who waits.
func (a *Adapter) load(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), a.timeout)
	defer cancel()
	t, err := a.read(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.err, a.next = fmt.Errorf("provider %s: reference rates: %w", a.name, err), a.now().Add(retryAfter)
	} else {
		a.table, a.crosses, a.err, a.next = &t, map[[2]money.Currency]money.Rate{}, nil, a.now().Add(a.refresh)
	}
	a.loading = nil
	close(done)
}

func (a *Adapter) read(ctx context.Context) (Table, error) {
	b, err := a.fetch(ctx)
	if err != nil {
		return Table{}, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("<")) {
		return ParseXML(bytes.NewReader(b))
	}
	days, err := ParseCSV(bytes.NewReader(b), 1)
	if err != nil {
		return Table{}, err
	}
	return days[0], nil
}

func (a *Adapter) fetch(ctx context.Context) ([]byte, error) {
	if !strings.HasPrefix(a.source, "http://") && !strings.HasPrefix(a.source, "https://") {
		f, err := os.Open(strings.TrimPrefix(a.source, "file://"))
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		return bounded(f)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.source, nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d", resp.StatusCode)
	}
	return bounded(resp.Body)
}

func bounded(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err == nil && len(b) > maxTable {
		err = fmt.Errorf("more than %d bytes", maxTable)
	}
	return b, err
}

// Quote is the reference rate, which nobody deals at: not guaranteed.
func (a *Adapter) Quote(ctx context.Context, q fx.QuoteRequest) (fx.Quote, error) {
	fail := func(class fx.Class, code string, err error) (fx.Quote, error) {
		return fx.Quote{}, &fx.Error{Provider: a.name, Op: wire.OpQuote, Class: class, Code: code, Err: err}
	}
	t, _, err := a.current(ctx, [2]money.Currency{})
	if err != nil {
		return fail(fx.Retryable, "transport", err)
	}
	rate, err := t.Cross(q.Sell.Currency(), q.Buy.Currency())
	if err != nil {
		return fail(fx.Final, "no-rate", err)
	}
	sell, buy, err := fx.Price(q, rate)
	if err != nil {
		return fail(fx.Final, "amount", err)
	}
	return fx.Quote{Provider: a.name, Sell: sell, Buy: buy, Rate: rate, Fee: money.Zero(sell.Currency()), Expires: q.Latest, Reusable: true}, nil
}

var errReference = errors.New("reference rates only")

// Lock is refused: nobody deals at reference rates.
func (a *Adapter) Lock(context.Context, fx.Quote) (fx.Quote, error) {
	return fx.Quote{}, &fx.Error{Provider: a.name, Op: wire.OpLock, Class: fx.Final, Code: "not-supported", Err: errReference}
}

// Pay is refused.
func (a *Adapter) Pay(context.Context, fx.Instruction) (fx.Status, error) {
	return fx.Status{}, &fx.Error{Provider: a.name, Op: wire.OpPay, Class: fx.Final, Code: "not-supported", Err: errReference}
}

// Query finds nothing, as nothing was ever paid.
func (a *Adapter) Query(context.Context, fx.Instruction) (fx.Status, error) {
	return fx.Status{Outcome: fx.NotFound}, nil
}
