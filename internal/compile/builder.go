package compile

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// object is what all resources are.
type object interface {
	GetName() string
	GetCreationTimestamp() metav1.Time
}

func itoa(i int) string { return strconv.Itoa(i) }

// builder gathers one region's plan.
type builder struct {
	region *v1alpha1.Region
	// last is what the region was last given; known is false where that cannot be told.
	last      *plan.Region
	known     bool
	corridors map[string]plan.Corridor
	// kept are the corridors that go on as last given, and draining ones: they need the members that they were given with.
	kept map[string]bool

	lastCorridors    map[string]*plan.Corridor
	lastRails        map[string]*plan.Rail
	lastProviders    map[string]*plan.Provider
	lastSchedules    map[string]*plan.Schedule
	lastParticipants map[string]*plan.Participant
}

func newBuilder(c *compilation, r *v1alpha1.Region, last *plan.Region, known bool) *builder {
	b := &builder{region: r, last: last, known: known, corridors: make(map[string]plan.Corridor, len(c.Corridors)), kept: map[string]bool{}}
	if last == nil {
		return b
	}
	b.lastCorridors = byName(last.Corridors, func(e *plan.Corridor) string { return e.Name })
	b.lastRails = byName(last.Rails, func(e *plan.Rail) string { return e.Name })
	b.lastProviders = byName(last.Providers, func(e *plan.Provider) string { return e.Name })
	b.lastSchedules = byName(last.Schedules, func(e *plan.Schedule) string { return e.Name })
	b.lastParticipants = byName(last.Participants, func(e *plan.Participant) string { return e.Name })
	return b
}

func byName[T any](list []T, name func(*T) string) map[string]*T {
	m := make(map[string]*T, len(list))
	for i := range list {
		m[name(&list[i])] = &list[i]
	}
	return m
}

func (b *builder) lastCorridor(name string) *plan.Corridor { return b.lastCorridors[name] }

func (b *builder) keep(last *plan.Corridor) {
	b.corridors[last.Name] = *last
	b.kept[last.Name] = true
}

func (b *builder) drain(last *plan.Corridor) {
	entry := *last
	entry.Draining = true
	b.keep(&entry)
}

// member chooses between a member's newest valid version and the last given, for all corridors of the region at once: the newest,
// unless a corridor that goes on as it was could not work with it.
func member[T any](fresh map[string]T, last map[string]*T, name string, users []*plan.Corridor, kept map[string]bool, fits func(*T, *plan.Corridor) bool) (T, bool, bool) {
	entry, valid := fresh[name]
	old := last[name]
	if !valid {
		if old == nil {
			return entry, false, false
		}
		return *old, true, true
	}
	for _, u := range users {
		if kept[u.Name] && !fits(&entry, u) && old != nil {
			return *old, true, true
		}
	}
	return entry, true, false
}

func railFits(r *plan.Rail, c *plan.Corridor) bool { return r.Currency == c.DestinationCurrency }

// providerFits says whether a provider takes the corridor's pair, or a leg by way of another currency that another member, found by its
// name, completes.
func providerFits(p *plan.Provider, c *plan.Corridor, find func(string) *plan.Provider) bool {
	source, destination := money.Currency(c.SourceCurrency), money.Currency(c.DestinationCurrency)
	some := func(sell, buy money.Currency) bool {
		return slices.ContainsFunc(c.Providers, func(m plan.RouteMember) bool {
			other := find(m.Name)
			return other != nil && !other.Reference && takes(other, sell, buy)
		})
	}
	return !p.Reference && (takes(p, source, destination) || slices.ContainsFunc(p.Pairs, func(pair plan.Pair) bool {
		return pair.Sell == string(source) && some(money.Currency(pair.Buy), destination) ||
			pair.Buy == string(destination) && some(source, money.Currency(pair.Sell))
	}))
}

// fitsKept is providerFits whichever version of the other members is chosen.
func (b *builder) fitsKept(c *compilation) func(*plan.Provider, *plan.Corridor) bool {
	return func(p *plan.Provider, u *plan.Corridor) bool {
		return providerFits(p, u, c.provider) && providerFits(p, u, func(name string) *plan.Provider {
			if old := b.lastProviders[name]; old != nil {
				return old
			}
			return c.provider(name)
		})
	}
}

// provider is a provider's newest version, where that is valid.
func (c *compilation) provider(name string) *plan.Provider {
	if p, ok := c.providers.entry[name]; ok && c.providers.valid(name) {
		return &p
	}
	return nil
}

// chosen is what a region's plan holds of each kind, and which of them are older than the newest generation.
type chosen struct {
	rails        map[string]plan.Rail
	providers    map[string]plan.Provider
	schedules    map[string]plan.Schedule
	participants map[string]plan.Participant
	old          map[Ref]bool
}

// choose finds the members that the region's corridors need.
func (b *builder) choose(c *compilation) chosen {
	out := chosen{
		rails: map[string]plan.Rail{}, providers: map[string]plan.Provider{}, schedules: map[string]plan.Schedule{},
		participants: map[string]plan.Participant{}, old: map[Ref]bool{},
	}
	rails, providers, schedules := map[string][]*plan.Corridor{}, map[string][]*plan.Corridor{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(b.corridors)) {
		entry := b.corridors[name]
		for _, r := range entry.Rails {
			rails[r] = append(rails[r], &entry)
		}
		for _, p := range entry.Providers {
			providers[p.Name] = append(providers[p.Name], &entry)
		}
		if entry.Schedule != "" {
			schedules[entry.Schedule] = true
		}
	}
	for name, users := range rails {
		if r, ok, old := member(c.rails.entry, b.lastRails, name, users, b.kept, railFits); ok {
			out.rails[name], out.old[Ref{KindRail, name}] = r, old
		}
	}
	for name, p := range c.providers.entry {
		if p.Reference {
			providers[name] = append(providers[name], nil)
		}
	}
	for i := range c.Providers {
		// A provider that was given stays while it exists: payments through it may be under way.
		if name := c.Providers[i].Name; b.lastProviders[name] != nil {
			providers[name] = append(providers[name], nil)
		}
	}
	for name, users := range providers {
		users = slices.DeleteFunc(users, func(u *plan.Corridor) bool { return u == nil })
		if p, ok, old := member(c.providers.entry, b.lastProviders, name, users, b.kept, b.fitsKept(c)); ok {
			out.providers[name], out.old[Ref{KindProvider, name}] = p, old
		}
	}
	for i := range c.Schedules {
		// A schedule that was given stays while it exists: windows of it may be open.
		if name := c.Schedules[i].Name; b.lastSchedules[name] != nil {
			schedules[name] = true
		}
	}
	for name := range schedules {
		if s, ok, old := member(c.schedules.entry, b.lastSchedules, name, nil, nil, nil); ok {
			out.schedules[name], out.old[Ref{KindSchedule, name}] = s, old
		}
	}
	b.chooseParticipants(c, &out)
	return out
}

// chooseParticipants takes all that are valid: any may hold a customer's money. Those that are not go on as they were.
func (b *builder) chooseParticipants(c *compilation, out *chosen) {
	names := map[string]bool{}
	for i := range c.Participants {
		names[c.Participants[i].Name] = true
	}
	for _, p := range out.providers {
		if p.Participant != "" {
			names[p.Participant] = true
		}
	}
	for name := range names {
		if p, ok, old := member(c.participants.entry, b.lastParticipants, name, nil, nil, nil); ok {
			out.participants[name], out.old[Ref{KindParticipant, name}] = p, old
		}
	}
}

func (ch *chosen) provider(name string) *plan.Provider {
	if p, ok := ch.providers[name]; ok {
		return &p
	}
	return nil
}

// unfit says which member a corridor cannot work with, since another that goes on as it was needs the member's older version.
func (ch *chosen) unfit(entry *plan.Corridor) (field string, ref Ref, bad bool) {
	for i, name := range entry.Rails {
		if r, ok := ch.rails[name]; !ok || !railFits(&r, entry) {
			return "spec.rails[" + itoa(i) + "].name", Ref{KindRail, name}, true
		}
	}
	for i, p := range entry.Providers {
		if provider, ok := ch.providers[p.Name]; !ok || !providerFits(&provider, entry, ch.provider) {
			return "spec.providers[" + itoa(i) + "].name", Ref{KindProvider, p.Name}, true
		}
	}
	if _, ok := ch.schedules[entry.Schedule]; !ok && entry.Schedule != "" {
		return "spec.settlementScheduleRef.name", Ref{KindSchedule, entry.Schedule}, true
	}
	return "", Ref{}, false
}

func (b *builder) plan(c *compilation, ch *chosen) *plan.Region {
	out := &plan.Region{
		Institution: c.Institution, Name: b.region.Name, Jurisdiction: string(b.region.Spec.Jurisdiction), Self: c.self,
		Corridors: sorted(b.corridors), Providers: sorted(ch.providers), Rails: sorted(ch.rails),
		Participants: sorted(ch.participants), Schedules: sorted(ch.schedules),
		Webhooks: webhooks(b.region),
	}
	var checked findings // By compileRegion.
	who := checked.access(&b.region.Spec.API)
	out.API, out.Clients = who.api, who.clients
	out.Checkpoints, _ = checked.checkpoints(&b.region.Spec.Ledger)
	if b.last != nil && out.Self == "" {
		// The institution itself may have become invalid: then it goes on as it was.
		if _, still := ch.participants[b.last.Self]; still {
			out.Self = b.last.Self
		}
	}
	return out
}

func sorted[T any](m map[string]T) []T {
	if len(m) == 0 {
		return nil
	}
	out := make([]T, 0, len(m))
	for _, name := range slices.SortedFunc(maps.Keys(m), strings.Compare) {
		out = append(out, m[name])
	}
	return out
}
