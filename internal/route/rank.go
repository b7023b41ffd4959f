package route

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// entry is a candidate that may be taken, with what it is ranked by.
type entry struct {
	// preference is the place of the first rule that prefers it; noPreference where none does.
	preference int32
	member     int32
	offer      int32
	rail       int32
	immediate  bool
	// primary is what the strategy looks at: lower is better.
	primary  int64
	received int64
	arrival  time.Duration
}

// key is what most comparisons need of an entry, small enough to move around while sorting.
type key struct {
	primary    int64
	preference int32
	entry      int32
}

// rank sorts the entries, by their keys.
func (ch *choice) rank() {
	entries := ch.entries
	slices.SortFunc(ch.keys, func(a, b key) int {
		if a.preference == b.preference && a.primary != b.primary {
			if a.primary < b.primary {
				return -1
			}
			return 1
		}
		return compare(&entries[a.entry], &entries[b.entry])
	})
}

const noPreference = math.MaxInt32

// compare is a total order: preference, strategy, then more received, sooner, final at once, the order of the
// corridor, and only for several quotes of one provider the order in which they came.
func compare(a, b *entry) int {
	switch {
	case a.preference != b.preference:
		return cmp.Compare(a.preference, b.preference)
	case a.primary != b.primary:
		return cmp.Compare(a.primary, b.primary)
	case a.received != b.received:
		return cmp.Compare(b.received, a.received)
	case a.arrival != b.arrival:
		return cmp.Compare(a.arrival, b.arrival)
	case a.immediate != b.immediate:
		if a.immediate {
			return -1
		}
		return 1
	case a.member != b.member:
		return cmp.Compare(a.member, b.member)
	case a.rail != b.rail:
		return cmp.Compare(a.rail, b.rail)
	default:
		return cmp.Compare(a.offer, b.offer)
	}
}

// primary is the strategy's number for an offer that arrives after the given time.
func (c *Corridor) primary(o *offer, payment uint64, arrival time.Duration) int64 {
	m := &c.members[o.member]
	switch c.plan.Strategy {
	case Cheapest:
		return o.fee - o.received
	case Fastest:
		return int64(arrival)
	case Priority:
		return int64(m.priority)
	case Weighted:
		return draw(payment, m.seed, m.weight)
	case SuccessRate:
		// The share grows as failures become rare: one in a hundred more halves it, and none is a hundred times all.
		return draw(payment, m.seed, m.weight*(1_000_000/(min(max(o.failureBps, 0), 10000)+100)))
	default:
		return -o.received
	}
}
