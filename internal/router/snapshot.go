package router

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route"
	"qiantang.dev/rails/pkg/client"
)

// snapshot is one plan as served. It never changes; Switch replaces it whole, and a request keeps the one that it began with.
type snapshot struct {
	region    *plan.Region
	table     *route.Table
	corridors map[string]*corridor
	providers map[string]*provider
	// references are the sources of reference rates, in the plan's order.
	references []fx.Reference
	rails      map[string]*plan.Rail
	// hooks are the webhooks that are told of payments.
	hooks []*hook
}

// corridor is a corridor with its decisions compiled and its providers opened.
type corridor struct {
	plan      *plan.Corridor
	routes    *route.Corridor
	providers []*provider
	asks      asks
}

// compileSnapshot makes a snapshot of region, or fails without having changed anything. Providers of the one before are kept where
// nothing about them changed, so that their connections, circuit breakers and quotes are.
func compileSnapshot(region *plan.Region, creds fx.Credentials, before *snapshot, open Open) (*snapshot, error) {
	s := &snapshot{
		region:    region,
		corridors: make(map[string]*corridor, len(region.Corridors)),
		providers: make(map[string]*provider, len(region.Providers)),
		rails:     make(map[string]*plan.Rail, len(region.Rails)),
		hooks:     newHooks(region.Webhooks, creds),
	}
	for i := range region.Rails {
		s.rails[region.Rails[i].Name] = &region.Rails[i]
	}
	for i := range region.Providers {
		p := region.Providers[i]
		mark, err := fingerprint(p, creds[p.Credentials])
		if err != nil {
			return nil, err
		}
		var handle *provider
		if before != nil {
			handle = before.providers[p.Name]
		}
		if handle == nil || handle.mark != mark {
			opened, err := open(p, creds[p.Credentials])
			if err != nil {
				return nil, fmt.Errorf("provider %q: %w", p.Name, err)
			}
			handle = newProvider(p, mark, opened)
		}
		s.providers[p.Name] = handle
		if p.Reference {
			reference, ok := handle.fx.(fx.Reference)
			if !ok {
				return nil, fmt.Errorf("provider %q: adapter %s gives no reference rates", p.Name, p.Adapter)
			}
			s.references = append(s.references, reference)
		}
	}
	var previous *route.Table
	if before != nil {
		previous = before.table
	}
	var err error
	if s.table, err = route.Compile(undrained(region), previous); err != nil {
		return nil, err
	}
	for i := range region.Corridors {
		c, err := s.corridor(&region.Corridors[i])
		if err != nil {
			return nil, fmt.Errorf("corridor %q: %w", region.Corridors[i].Name, err)
		}
		s.corridors[c.plan.Name] = c
	}
	return s, nil
}

func (s *snapshot) corridor(p *plan.Corridor) (*corridor, error) {
	compiled, ok := s.table.Corridor(p.Name)
	if !ok {
		return nil, errors.New("not compiled")
	}
	c := &corridor{plan: p, routes: compiled}
	for _, member := range p.Providers {
		handle, ok := s.providers[member.Name]
		if !ok {
			return nil, fmt.Errorf("provider %q is not in the plan", member.Name)
		}
		c.providers = append(c.providers, handle)
	}
	c.asks = newAsks(c)
	return c, nil
}

// undrained is the region as if no corridor were draining. New payments of draining corridors are refused when they come in; those
// under way may still need another route.
func undrained(region *plan.Region) *plan.Region {
	open := *region
	open.Corridors = slices.Clone(region.Corridors)
	for i := range open.Corridors {
		open.Corridors[i].Draining = false
	}
	return &open
}

// fingerprint changes when anything does that a provider's handle was opened with. It is a hash, so it gives no secret away.
func fingerprint(p plan.Provider, creds map[string][]byte) ([sha256.Size]byte, error) {
	keys := make([]string, 0, len(creds))
	for k := range creds {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(p); err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("provider %q: %w", p.Name, err)
	}
	for _, k := range keys {
		fmt.Fprintf(h, "%q=%x\n", k, sha256.Sum256(creds[k]))
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// reference is the first source's rate for the pair; no rate where none has one.
func (s *snapshot) reference(sell, buy money.Currency) money.Rate {
	for _, r := range s.references {
		if rate, _, err := r.Rate(sell, buy); err == nil {
			return rate
		}
	}
	return money.Rate{}
}

// draining names the corridors that take no new payments.
func (s *snapshot) draining() []string {
	var names []string
	for i := range s.region.Corridors {
		if s.region.Corridors[i].Draining {
			names = append(names, s.region.Corridors[i].Name)
		}
	}
	return names
}

// ttl bounds how long a quote of the corridor is honoured.
func (c *corridor) ttl() time.Duration { return c.plan.QuoteTTL.D() }

// asked is the corridor that a request names.
func (s *snapshot) asked(name string) (*corridor, *client.Problem) {
	if name == "" {
		return nil, invalid(field("body.corridor", name, "required"))
	}
	c, ok := s.corridors[name]
	if !ok {
		return nil, invalid(field("body.corridor", name, "no such corridor in region %s", s.region.Name))
	}
	return c, nil
}

// taking refuses what is new in a corridor that is being removed.
func (c *corridor) taking(what string) *client.Problem {
	if !c.plan.Draining {
		return nil
	}
	return problem(http.StatusConflict, codeDraining, fmt.Sprintf("corridor %s is being removed and takes no new %s", c.plan.Name, what),
		field("body.corridor", c.plan.Name, "draining"))
}
