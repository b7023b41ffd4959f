package calendar

import (
	"fmt"
	"time"
)

// Opening is a weekly span of wall time. Days are those on which it opens; a Close at or before Open is on the next day. Its shape is
// that of the plan's openings.
type Opening struct {
	Days  []string
	Open  string
	Close string
}

// span is an opening relative to the midnight that its business day begins with, in minutes.
type span struct{ from, to int }

// Hours are when something is open: weekly openings in a zone, over closed days and extra working days. They are immutable.
//
// An opening over midnight belongs to the day that holds the longer part of it (the first, where both are equal), and is closed and
// opened with that day: Fedwire's Sunday 21:00 to Monday 19:00 is Monday's, Hong Kong's Monday 08:30 to Tuesday 05:00 is also
// Monday's. An extra working day without openings of its own has those of the nearest weekday before it that has some.
type Hours struct {
	loc           *time.Location
	week          [7][]span
	closed, extra map[Date]struct{}
}

// ParseHours reads what plans carry. No openings means around the clock, save the closed days.
func ParseHours(zone string, openings []Opening, closed, extra []string) (*Hours, error) {
	h := &Hours{loc: time.UTC}
	if zone != "" || len(openings) > 0 || len(closed) > 0 {
		loc, err := ParseZone(zone)
		if err != nil {
			return nil, err
		}
		h.loc = loc
	}
	c, err := ParseDates(closed)
	if err != nil {
		return nil, fmt.Errorf("closed days: %w", err)
	}
	e, err := ParseDates(extra)
	if err != nil {
		return nil, fmt.Errorf("extra working days: %w", err)
	}
	h.closed, h.extra = set(c), set(e)
	for _, o := range openings {
		if err := h.add(o); err != nil {
			return nil, err
		}
	}
	if len(openings) == 0 {
		for d := range h.week {
			h.week[d] = []span{{0, 24 * 60}}
		}
	}
	return h, nil
}

func (h *Hours) add(o Opening) error {
	week, err := ParseWeek(o.Days)
	if err != nil {
		return fmt.Errorf("opening %s to %s: %w", o.Open, o.Close, err)
	}
	if week == 0 {
		return fmt.Errorf("opening %s to %s: no days", o.Open, o.Close)
	}
	from, err := parseClock(o.Open)
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	to, err := parseClock(o.Close)
	if err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	if to <= from {
		to += 24 * 60
	}
	shift := 0
	if to-24*60 > 24*60-from {
		shift = 1
	}
	for d := range 7 {
		if week.Has(time.Weekday(d)) {
			b := (d + shift) % 7
			h.week[b] = append(h.week[b], span{from - shift*24*60, to - shift*24*60})
		}
	}
	return nil
}

// parseClock reads HH:MM, 00:00 to 24:00.
func parseClock(s string) (int, error) {
	bad := fmt.Errorf("time of day %q: want HH:MM", s)
	if len(s) != 5 || s[2] != ':' {
		return 0, bad
	}
	for _, i := range [4]int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, bad
		}
	}
	hour, minute := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	if minute > 59 || hour > 24 || (hour == 24 && minute != 0) {
		return 0, bad
	}
	return hour*60 + minute, nil
}

// Location is the zone of the openings.
func (h *Hours) Location() *time.Location { return h.loc }

// spans are the openings that belong to d.
func (h *Hours) spans(d Date) []span {
	if _, ok := h.closed[d]; ok {
		return nil
	}
	w := int(d.Weekday())
	if own := h.week[w]; len(own) > 0 {
		return own
	}
	if _, ok := h.extra[d]; ok {
		for back := 1; back < 7; back++ {
			if s := h.week[(w-back+7)%7]; len(s) > 0 {
				return s
			}
		}
	}
	return nil
}

// IsOpen reports whether it is open at t. The moment of opening is open, that of closing is not.
func (h *Hours) IsOpen(t time.Time) bool {
	open, _ := h.State(t)
	return open
}

// reach is how many days an answer looks ahead: longer than any run of closed days.
const reach = 400

// State is whether it is open at t, and until when that answer certainly holds: a later moment may still give the same. The zero
// time means that nothing changes within the next 400 days.
func (h *Hours) State(t time.Time) (open bool, until time.Time) {
	today := DateOf(t.In(h.loc))
	for i := -1; i <= 1; i++ {
		d := today.AddDays(i)
		for _, s := range h.spans(d) {
			from, to := d.At(s.from, h.loc), d.At(s.to, h.loc)
			if !t.Before(from) && t.Before(to) && to.After(until) {
				open, until = true, to
			}
		}
	}
	if open {
		return true, until
	}
	return false, h.nextStart(t)
}

// NextOpen is t where it is open at t, else when it opens next; false where it does not within 400 days.
func (h *Hours) NextOpen(t time.Time) (time.Time, bool) {
	if h.IsOpen(t) {
		return t, true
	}
	next := h.nextStart(t)
	return next, !next.IsZero()
}

func (h *Hours) nextStart(t time.Time) time.Time {
	today := DateOf(t.In(h.loc))
	var best time.Time
	for i := -1; i <= reach; i++ {
		d := today.AddDays(i)
		for _, s := range h.spans(d) {
			from, to := d.At(s.from, h.loc), d.At(s.to, h.loc)
			if from.After(t) && to.After(from) && (best.IsZero() || from.Before(best)) {
				best = from
			}
		}
		// The day after may still begin earlier, in the evening before it.
		if !best.IsZero() && DateOf(best.In(h.loc)).Before(d) {
			break
		}
	}
	return best
}
