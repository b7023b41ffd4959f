package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-logr/logr"
	"github.com/go-logr/logr/testr"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/adapters"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/sqlite"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/settle"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

// world is a real router on a real ledger, with real adapters against the simulators over HTTP.
type world struct {
	testing.TB
	sim    *sim.Simulator
	ledger ledger.Ledger
	region *plan.Region
	creds  fx.Credentials
	// between wraps every provider where set, to break it.
	between func(fx.Provider) fx.Provider
	pace    Pace
	limit   int
	// clock is the routers' and guards'; time.Now where nil.
	clock func() time.Time
}

const (
	patience = 30 * time.Second
	look     = 2 * time.Millisecond
)

// pooled keeps a connection for each of a provider's lanes, as a worker's client does.
var pooled = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// quick is a pace for tests: leases long enough for one test, everything else at once.
var quick = Pace{Lease: 3 * time.Second, Sweep: 5 * time.Millisecond, First: time.Millisecond, Most: 20 * time.Millisecond, Memory: 500 * time.Millisecond, Admit: 5 * time.Second}

// keys is where the simulators of all tests keep their keys: making them takes long.
var keys string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "qiantang-router-keys-")
	if err != nil {
		panic(err)
	}
	keys = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldWith(t, sim.Options{})
}

func newWorldWith(t testing.TB, o sim.Options) *world {
	t.Helper()
	o.Seed, o.Keys = 1, keys
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	books, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := books.Close(); err != nil {
			t.Errorf("close the ledger: %v", err)
		}
	})
	creds := fx.Credentials{}
	for adapter, data := range s.Credentials() {
		creds[adapter] = data
	}
	w := &world{TB: t, sim: s, ledger: books, creds: creds, pace: quick}
	w.region = region(t, server.URL)
	return w
}

func region(t testing.TB, url string) *plan.Region {
	second := plan.Text(time.Second)
	provider := func(name, adapter string) plan.Provider {
		return plan.Provider{
			Name: name, Adapter: adapter, Endpoint: url + "/" + name, Credentials: adapter, Participant: name,
			Pairs:        []plan.Pair{{Sell: "USD", Buy: "CNY"}, {Sell: "EUR", Buy: "CNY"}, {Sell: "CNY", Buy: "USD"}},
			QuoteTimeout: 5 * second, ExecuteTimeout: 5 * second, MaxConcurrent: 64, BreakerFailures: 50, BreakerOpen: second / 20,
		}
	}
	corridor := func(name, sc, scy, dc, dcy, rail string) plan.Corridor {
		return plan.Corridor{
			Name: name, Generation: 1, SourceCountry: sc, SourceCurrency: scy, DestinationCountry: dc, DestinationCurrency: dcy,
			Rails: []string{rail}, Providers: []plan.RouteMember{{Name: "pingpong"}, {Name: "lianlian"}, {Name: "antom"}},
			Schedule: "daily", Strategy: "BestAmount", MinAmount: "1", MaxAmount: "1000000", QuoteTTL: 60 * second, SpreadCapBps: 300,
			FeeTiers: []plan.FeeTier{{From: "0", Bps: 50, Min: "0.50", Max: "100"}},
			Rules:    []plan.Rule{{Name: "no-gambling", When: `payment.purpose == "GAMB"`, Action: "Deny", Message: "gambling is not paid for"}},
		}
	}
	r := &plan.Region{
		Institution: "demo", Name: "us-east", Jurisdiction: "US", Self: "qiantang-pay",
		Corridors: []plan.Corridor{corridor("us-cn", "US", "USD", "CN", "CNY", "cips"), corridor("cn-us", "CN", "CNY", "US", "USD", "fedwire")},
		Providers: []plan.Provider{
			provider("pingpong", "PingPong"), provider("lianlian", "LianLian"), provider("antom", "Antom"),
			{Name: "ecb", Adapter: "ECB", Endpoint: url + "/ecb/eurofxref-daily.xml", Reference: true, QuoteTimeout: 5 * second, MaxConcurrent: 4},
		},
		Rails: []plan.Rail{
			{Name: "cips", System: "CIPS", Country: "CN", Currency: "CNY", Zone: "Asia/Shanghai", Finality: "Immediate", Expected: 60 * second},
			{Name: "fedwire", System: "Fedwire", Country: "US", Currency: "USD", Zone: "America/New_York", Finality: "Immediate", Expected: 60 * second},
		},
		Participants: []plan.Participant{
			{Name: "qiantang-pay", LegalName: "Qiantang Pay"}, {Name: "pingpong", LegalName: "PingPong"}, {Name: "lianlian", LegalName: "LianLian"}, {Name: "antom", LegalName: "Antom"},
		},
		Schedules: []plan.Schedule{{
			Name: "daily", Zone: "Asia/Shanghai", CutOffs: []string{"0 17 * * *"}, WorkingDays: []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
			HolidayRule: "Skip", Model: "MultilateralNet", Timing: "Deferred", MessageFormat: "pacs.009.001.08", Delivery: plan.Delivery{Directory: "out"},
		}},
	}
	if err := plan.Seal(r); err != nil {
		t.Fatal(err)
	}
	return r
}

// replica is one router of a world, with its API.
type replica struct {
	*world
	*Router
	api  *client.Client
	url  string
	stop func()
}

// start starts a router on the world's ledger, or on another that wraps it.
func (w *world) start(id string, on ledger.Ledger) *replica {
	w.Helper()
	r := w.idle(id, on)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Errorf("Run: %v", err)
		}
	})
	w.Cleanup(r.stop)
	return r
}

// idle is a router that serves its API and drives nothing.
func (w *world) idle(id string, on ledger.Ledger) *replica {
	w.Helper()
	if on == nil {
		on = w.ledger
	}
	log := logr.Discard()
	if testing.Verbose() {
		log = testr.NewWithInterface(quiet{w.TB}, testr.Options{})
	}
	router := New(Options{
		Ledger: on, Assigner: settle.NewAssigner(on, nil), ID: id, Callback: adapters.Webhook, Pace: w.pace, Log: log, MaxInFlight: w.limit, Clock: w.clock,
		Open: func(p plan.Provider, creds map[string][]byte) (fx.Provider, error) {
			opened, err := adapters.Open(p, creds, pooled)
			if err != nil || p.Reference {
				return opened, err
			}
			if w.between != nil {
				opened = w.between(opened)
			}
			return fx.Guard(opened, p.Name, fx.LimitsOf(p), nil, w.clock), nil
		},
	})
	if err := router.Switch(w.Context(), w.region, w.creds); err != nil {
		w.Fatal(err)
	}
	mux := http.NewServeMux()
	router.Register(humago.New(mux, huma.DefaultConfig("test", "1")))
	mux.Handle(CallbackPattern, router.Callbacks())
	server := httptest.NewServer(mux)
	w.Cleanup(server.Close)
	api, err := client.New(server.URL, nil)
	if err != nil {
		w.Fatal(err)
	}
	api.Retries = 0
	return &replica{world: w, Router: router, api: api, url: server.URL}
}

// quiet drops what is logged after the test's end.
type quiet struct{ testing.TB }

func (q quiet) Log(args ...any) {
	if q.Context().Err() == nil {
		q.TB.Log(args...)
	}
}

// fund opens an account with a balance.
func (r *replica) fund(owner, currency, value string) string {
	r.Helper()
	a, err := r.api.OpenAccount(r.Context(), client.AccountRequest{Owner: owner, Currency: currency})
	if err != nil {
		r.Fatal(err)
	}
	if _, err := r.api.Deposit(r.Context(), "fund-"+owner+currency, client.DepositRequest{Account: a.ID, Amount: client.Money{Currency: currency, Value: value}}); err != nil {
		r.Fatal(err)
	}
	return a.ID
}

func request(value string) client.PaymentRequest {
	return client.PaymentRequest{
		Corridor: "us-cn", Account: "customer:acme:USD", Amount: client.Money{Currency: "USD", Value: value},
		Beneficiary: client.Party{Name: "Hangzhou Silk", Country: "CN", Account: "6222021234567890", AgentBIC: "ICBKCNBJ", CNAPS: "102331000018", Town: "Hangzhou"},
		Purpose:     "GDDS", Reference: "INV-1",
	}
}

func (r *replica) pay(key, value string) *client.Payment {
	r.Helper()
	p, err := r.api.Pay(r.Context(), key, request(value))
	if err != nil {
		r.Fatal(err)
	}
	return p
}

// until waits until cond holds.
func (w *world) until(what string, cond func() bool) {
	w.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(look)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			w.Fatalf("waited %s in vain until %s", patience, what)
		}
		<-tick.C
	}
}

// becomes waits until a payment is in one of the states.
func (r *replica) becomes(id string, states ...client.Status) *client.Payment {
	r.Helper()
	var p *client.Payment
	r.until(fmt.Sprintf("payment %s is %v", id, states), func() bool {
		var err error
		if p, err = r.api.Payment(context.Background(), id); err != nil {
			r.Fatal(err)
		}
		for _, s := range states {
			if p.Status == s {
				return true
			}
		}
		return false
	})
	return p
}

// problemOf is the problem that err is.
func (w *world) problemOf(err error) *client.Problem {
	w.Helper()
	var p *client.Problem
	if !errors.As(err, &p) {
		w.Fatalf("error %v (%T), want a problem", err, err)
	}
	return p
}

// audit checks what must hold whatever happened: the books balance, clearing accounts are empty where nothing is under way, nobody was
// paid twice, and the simulators paid what the books say.
func (w *world) audit() {
	w.Helper()
	ctx := context.Background()
	lines, err := w.ledger.TrialBalance(ctx)
	if err != nil {
		w.Fatal(err)
	}
	sums := map[money.Currency]int64{}
	for _, l := range lines {
		sums[l.Currency] += l.Debits.Minor() - l.Credits.Minor()
	}
	for c, s := range sums {
		if s != 0 {
			w.Errorf("the books are off by %d minor units of %s", s, c)
		}
	}
	for _, c := range []string{"clearing:us-cn:USD", "clearing:us-cn:CNY"} {
		b, err := w.ledger.Balance(ctx, c)
		var missing *ledger.NotFoundError
		if errors.As(err, &missing) {
			continue
		}
		if err != nil {
			w.Fatal(err)
		}
		if b.Posted != 0 {
			w.Errorf("%s stands at %d", c, b.Posted)
		}
	}
	report := w.sim.Report(true)
	if len(report.Duplicates) > 0 || report.Conflicts > 0 {
		w.Errorf("paid twice: %+v; %d instructions under a used ID", report.Duplicates, report.Conflicts)
	}
	paid := map[string]client.Money{}
	for after := ""; ; {
		recs, err := w.ledger.Records(ctx, ledger.RecordQuery{Kind: kindPayment, After: after, Limit: 1000})
		if err != nil {
			w.Fatal(err)
		}
		for _, rec := range recs {
			p, err := decodePayment(rec)
			if err != nil {
				w.Fatal(err)
			}
			if p.state == client.Paid || p.state == client.Returned {
				paid[p.UETR.String()] = p.Route.Received.wire()
			}
			after = rec.Key
		}
		if len(recs) < 1000 {
			break
		}
	}
	for _, e := range report.Entries {
		if e.State != "succeeded" {
			continue
		}
		if paid[e.Reference] != (client.Money{Currency: e.BuyCurrency, Value: e.BuyAmount}) {
			w.Errorf("%s paid %s for %s, the books say %v", e.Provider, e.BuyAmount, e.Reference, paid[e.Reference])
		}
		delete(paid, e.Reference)
	}
	for uetr, m := range paid {
		w.Errorf("the books say that %v was paid for %s; nobody paid it", m, uetr)
	}
}
