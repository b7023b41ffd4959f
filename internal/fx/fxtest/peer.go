package fxtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/fx/adapters"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/internal/sim/judge"
)

// Clock is a clock that tests turn.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance turns the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Peer is a simulated provider and the adapter that talks to it.
type Peer struct {
	Simulator *sim.Simulator
	Server    *httptest.Server
	// Clock is the simulator's.
	Clock    *Clock
	Spec     plan.Provider
	Secrets  map[string][]byte
	Provider fx.Provider
	// Name is the provider's in the simulator: pingpong, lianlian, antom or openfx.
	Name string
}

// keys are made once, and another's: they take longer than most tests.
var (
	keys    = sync.OnceValues(func() (*sim.Simulator, error) { return sim.New(sim.Options{}) })
	strange = sync.OnceValues(func() (*sim.Simulator, error) { return sim.New(sim.Options{}) })
)

// Start runs a simulator for the test and opens the adapter on it. edit may change the simulator's options and the provider; nil leaves them.
func Start(t testing.TB, adapter string, edit func(*sim.Options, *plan.Provider)) *Peer {
	t.Helper()
	clock := &Clock{now: time.Now()}
	donor, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	o := sim.Options{Clock: clock.Now, Seed: 7, KeysOf: donor}
	name := strings.ToLower(adapter)
	spec := plan.Provider{Name: name, Adapter: adapter}
	if edit != nil {
		edit(&o, &spec)
	}
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	t.Cleanup(client.CloseIdleConnections)
	spec.Endpoint = server.URL + "/" + name
	p := &Peer{Simulator: s, Server: server, Clock: clock, Spec: spec, Secrets: s.Credentials()[adapter], Name: name}
	if p.Provider, err = adapters.Open(spec, p.Secrets, client); err != nil {
		t.Fatal(err)
	}
	return p
}

// Neighbour is another adapter on the same simulator.
func (p *Peer) Neighbour(t testing.TB, adapter string) *Peer {
	t.Helper()
	name := strings.ToLower(adapter)
	n := &Peer{Simulator: p.Simulator, Server: p.Server, Clock: p.Clock, Secrets: p.Simulator.Credentials()[adapter], Name: name,
		Spec: plan.Provider{Name: name, Adapter: adapter, Endpoint: p.Server.URL + "/" + name}}
	n.Provider = n.Reopen(t, p.Server.Client())
	return n
}

// Reopen opens the adapter once more, on another client.
func (p *Peer) Reopen(t testing.TB, client *http.Client) fx.Provider {
	t.Helper()
	a, err := adapters.Open(p.Spec, p.Secrets, client)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Misbehave sets the provider's faults.
func (p *Peer) Misbehave(t testing.TB, f sim.Faults) {
	t.Helper()
	if err := p.Simulator.SetFaults(p.Name, f); err != nil {
		t.Fatal(err)
	}
}

// Ask is a request to sell 1,250.00 USD for CNY.
func Ask() fx.QuoteRequest {
	return fx.QuoteRequest{Sell: money.FromMinor(125000, "USD"), Buy: money.Zero("CNY"), Latest: time.Now().Add(30 * time.Second)}
}

// Instruct is an instruction to pay a locked quote to a supplier in Yiwu.
func Instruct(q fx.Quote) fx.Instruction {
	return fx.Instruction{ID: "p-" + uuid.NewString(), Quote: q, Rail: "CIPS", Purpose: "GDDS", Remittance: "INV-1", UETR: uuid.NewString(),
		Debtor: fx.Party{Name: "Acme Inc", Country: "US", Account: "12345678", AgentBIC: "CHASUS33"},
		Beneficiary: fx.Party{Name: "Yiwu Lights Co", Country: "CN", Account: "6222020200112233445", AgentBIC: "ICBKCNBJ", CNAPS: "102338003216",
			Town: "Yiwu"}}
}

// Locked quotes and locks.
func (p *Peer) Locked(t testing.TB) fx.Quote {
	t.Helper()
	q, err := p.Provider.Quote(t.Context(), Ask())
	if err != nil {
		t.Fatal(err)
	}
	if q, err = p.Provider.Lock(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	return q
}

// Await waits until a condition holds.
func Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); !holds(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited in vain for " + what)
		}
	}
}

// Paid is what the judge has of an instruction.
func (p *Peer) Paid(i fx.Instruction) (judge.Record, bool) {
	return p.Simulator.Book().Find(judge.Key{Provider: p.Name, Kind: judge.Payout, ID: i.ID})
}
