package sim

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"qiantang.dev/rails/internal/sim/judge"
	"qiantang.dev/rails/internal/sim/market"
)

// Options make a Simulator. All are optional.
type Options struct {
	// Keys is a directory of key material, made where missing; empty: fresh keys in memory.
	Keys string
	// KeysOf is a simulator whose keys are shared, instead of Keys.
	KeysOf *Simulator
	// Rates is a file with the ECB's history as CSV; empty: the embedded day.
	Rates string
	// Seed of the dice.
	Seed uint64
	// Faults by provider: PingPong, LianLian, Antom, OpenFX, Clearing as pingpong, lianlian, antom, openfx, clearing.
	Faults map[string]Faults
	// QuoteValidity is how long rates are firm (60 s); MaxSkew how far a request's time may be off (5 min).
	QuoteValidity, MaxSkew time.Duration
	// Webhooks is where LianLian's notifications go; empty: none are sent.
	Webhooks string
	// WebhookInterval before a notification is first repeated (10 s), doubling.
	WebhookInterval time.Duration
	Clock           func() time.Time
	Log             logr.Logger
}

// Simulator is all simulated peers in one HTTP handler.
type Simulator struct {
	options Options
	keys    *keys
	market  *market.Market
	book    *judge.Book
	ids     atomic.Uint64
	throws  atomic.Uint64
	hooks   *webhooks
	clears  *clearing
	trade   sync.Map // trade files by ID

	mu     sync.RWMutex
	faults map[string]Faults
}

// The simulated providers, as in paths and faults.
const (
	pingPong = "pingpong"
	lianLian = "lianlian"
	antom    = "antom"
	openFX   = "openfx"
	clearer  = "clearing"
)

// New makes a Simulator. It fails where keys or rates cannot be read or written.
func New(o Options) (*Simulator, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.QuoteValidity <= 0 {
		o.QuoteValidity = time.Minute
	}
	if o.MaxSkew <= 0 {
		o.MaxSkew = 5 * time.Minute
	}
	if o.WebhookInterval <= 0 {
		o.WebhookInterval = 10 * time.Second
	}
	var k *keys
	var err error
	if o.KeysOf != nil {
		k = o.KeysOf.keys
	} else if k, err = loadKeys(o.Keys); err != nil {
		return nil, err
	}
	m, err := market.Embedded()
	if o.Rates != "" {
		m, err = market.Load(o.Rates)
	}
	if err != nil {
		return nil, err
	}
	s := &Simulator{options: o, keys: k, market: m, book: judge.New(), faults: map[string]Faults{}, clears: newClearing()}
	s.hooks = newWebhooks(o, k)
	for name, spread := range map[string]int64{pingPong: 25, lianLian: 30, antom: 20, openFX: 15, clearer: 0} {
		f, given := o.Faults[name]
		if !given {
			f = Faults{SpreadBps: spread}
		}
		if err := f.check(name); err != nil {
			return nil, err
		}
		s.faults[name] = f
	}
	for name := range o.Faults {
		if _, ok := s.faults[name]; !ok {
			return nil, unknownProvider(name)
		}
	}
	return s, nil
}

// Run delivers webhooks until ctx ends. Without webhooks it only waits.
func (s *Simulator) Run(ctx context.Context) error { return s.hooks.run(ctx) }

// Book is what was really done.
func (s *Simulator) Book() *judge.Book { return s.book }

// Report judges everything done so far; payouts are listed where asked for.
func (s *Simulator) Report(entries bool) judge.Report {
	return s.book.Judge(s.options.Clock(), "", entries)
}

// Handler serves every peer below its own path.
func (s *Simulator) Handler() http.Handler {
	mux := http.NewServeMux()
	s.pingPongRoutes(mux)
	s.lianLianRoutes(mux)
	s.antomRoutes(mux)
	s.openFXRoutes(mux)
	s.ecbRoutes(mux)
	s.clearingRoutes(mux)
	s.adminRoutes(mux)
	ok := func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	}
	mux.HandleFunc("GET /healthz", ok)
	mux.HandleFunc("GET /readyz", ok)
	return mux
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the peer may be gone
}
