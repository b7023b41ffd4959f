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

// rank sorts the entries: by their keys, then those that these do not tell apart by what is received, and only what is left by all the rest.
func (ch *choice) rank() {
	ch.spare = slices.Grow(ch.spare[:0], len(ch.keys))[:len(ch.keys)]
	sortKeys(ch.keys, ch.spare)
	ties(ch.keys, func(run []key) {
		for i := range run {
			run[i].primary = -ch.entries[run[i].entry].received
		}
		sortKeys(run, ch.spare)
		ties(run, func(run []key) {
			slices.SortFunc(run, func(a, b key) int { return compare(&ch.entries[a.entry], &ch.entries[b.entry]) })
		})
	})
}

// sortKeys sorts by merging, with spare as room: a choice is short, and the library's sort calls a function for each comparison, which is
// most of what it costs.
func sortKeys(keys, spare []key) {
	const run = 8
	n := len(keys)
	for low := 0; low < n; low += run {
		part := keys[low:min(low+run, n)]
		for i := 1; i < len(part); i++ {
			k, j := part[i], i
			for ; j > 0 && k.before(part[j-1]); j-- {
				part[j] = part[j-1]
			}
			part[j] = k
		}
	}
	from, to := keys, spare[:n]
	for width := run; width < n; width *= 2 {
		for low := 0; low < n; low += 2 * width {
			middle, high := min(low+width, n), min(low+2*width, n)
			left, right, out := from[low:middle], from[middle:high], to[low:low]
			for len(left) > 0 && len(right) > 0 {
				if right[0].before(left[0]) {
					out, right = append(out, right[0]), right[1:]
				} else {
					out, left = append(out, left[0]), left[1:]
				}
			}
			_ = append(append(out, left...), right...)
		}
		from, to = to, from
	}
	if n > 0 && &from[0] != &keys[0] {
		copy(keys, from)
	}
}

// before is what compare begins with: all that most candidates need, and small enough to be compiled into the loops above.
func (k key) before(o key) bool {
	return k.preference < o.preference || k.preference == o.preference && k.primary < o.primary
}

// ties calls f for each run of sorted keys that are the same.
func ties(keys []key, f func([]key)) {
	for low := 0; low < len(keys); {
		high := low + 1
		for high < len(keys) && !keys[low].before(keys[high]) {
			high++
		}
		if high-low > 1 {
			f(keys[low:high])
		}
		low = high
	}
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
