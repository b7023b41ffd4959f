package delivery

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"qiantang.dev/rails/internal/plan"
)

// item is one member of a plan on its way into a shard.
type item struct {
	hash  uint64
	size  int
	addTo func(*plan.Region)
}

func corridorName(c plan.Corridor) string       { return c.Name }
func providerName(p plan.Provider) string       { return p.Name }
func railName(r plan.Rail) string               { return r.Name }
func participantName(p plan.Participant) string { return p.Name }
func scheduleName(s plan.Schedule) string       { return s.Name }
func webhookName(w plan.Webhook) string         { return w.Name }
func clientName(c plan.Client) string           { return c.Name }

// split lists all members. One without any members still gives one item, because the header must travel too.
func split(r *plan.Region) ([]item, error) {
	var items []item
	var err error
	if items, err = appendItems(items, "corridor", r.Corridors, corridorName,
		func(p *plan.Region, c plan.Corridor) { p.Corridors = append(p.Corridors, c) }); err != nil {
		return nil, err
	}
	if items, err = appendItems(items, "provider", r.Providers, providerName,
		func(p *plan.Region, c plan.Provider) { p.Providers = append(p.Providers, c) }); err != nil {
		return nil, err
	}
	if items, err = appendItems(items, "rail", r.Rails, railName,
		func(p *plan.Region, c plan.Rail) { p.Rails = append(p.Rails, c) }); err != nil {
		return nil, err
	}
	if items, err = appendItems(items, "participant", r.Participants, participantName,
		func(p *plan.Region, c plan.Participant) { p.Participants = append(p.Participants, c) }); err != nil {
		return nil, err
	}
	if items, err = appendItems(items, "schedule", r.Schedules, scheduleName,
		func(p *plan.Region, c plan.Schedule) { p.Schedules = append(p.Schedules, c) }); err != nil {
		return nil, err
	}
	if items, err = appendItems(items, "client", r.Clients, clientName,
		func(p *plan.Region, c plan.Client) { p.Clients = append(p.Clients, c) }); err != nil {
		return nil, err
	}
	if items, err = appendItems(items, "webhook", r.Webhooks, webhookName,
		func(p *plan.Region, c plan.Webhook) { p.Webhooks = append(p.Webhooks, c) }); err != nil {
		return nil, err
	}
	if len(items) == 0 {
		items = append(items, item{addTo: func(*plan.Region) {}})
	}
	return items, nil
}

func appendItems[T any](items []item, kind string, members []T, name func(T) string, add func(*plan.Region, T)) ([]item, error) {
	for _, m := range members {
		raw, err := json.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", kind, name(m), err)
		}
		sum := sha256.Sum256([]byte(kind + "/" + name(m)))
		items = append(items, item{
			hash:  binary.BigEndian.Uint64(sum[:]),
			size:  len(raw),
			addTo: func(p *plan.Region) { add(p, m) },
		})
	}
	return items, nil
}

// buckets splits items by the leading bits of their hashes until each bucket is small enough. Order within a bucket is kept.
func buckets(items []item, depth int) [][]item {
	size := 0
	for _, it := range items {
		size += it.size
	}
	if size <= targetShardBytes || len(items) == 1 || depth == maxDepth {
		return [][]item{items}
	}
	var zero, one []item
	for _, it := range items {
		if it.hash>>(63-depth)&1 == 0 {
			zero = append(zero, it)
		} else {
			one = append(one, it)
		}
	}
	var out [][]item
	for _, half := range [][]item{zero, one} {
		if len(half) > 0 {
			out = append(out, buckets(half, depth+1)...)
		}
	}
	return out
}

func checkSorted(r *plan.Region) error {
	return cmp.Or(
		sorted("corridors", r.Corridors, corridorName),
		sorted("providers", r.Providers, providerName),
		sorted("rails", r.Rails, railName),
		sorted("participants", r.Participants, participantName),
		sorted("schedules", r.Schedules, scheduleName),
		sorted("webhooks", r.Webhooks, webhookName),
		sorted("clients", r.Clients, clientName),
	)
}

func sorted[T any](list string, members []T, name func(T) string) error {
	for i := 1; i < len(members); i++ {
		if name(members[i-1]) >= name(members[i]) {
			return fmt.Errorf("plan: %s: %q before %q: they must be sorted by name, each once", list, name(members[i-1]), name(members[i]))
		}
	}
	return nil
}

func sortMembers(r *plan.Region) {
	sortBy(r.Corridors, corridorName)
	sortBy(r.Providers, providerName)
	sortBy(r.Rails, railName)
	sortBy(r.Participants, participantName)
	sortBy(r.Schedules, scheduleName)
	sortBy(r.Webhooks, webhookName)
	sortBy(r.Clients, clientName)
}

func sortBy[T any](members []T, name func(T) string) {
	slices.SortFunc(members, func(a, b T) int { return cmp.Compare(name(a), name(b)) })
}
