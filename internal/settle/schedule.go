package settle

import (
	"fmt"
	"slices"
	"time"

	"qiantang.dev/rails/internal/plan"
)

// horizon is how many days ahead a cut-off or business day is looked for before the schedule is called one that never closes.
const horizon = 800

// maxPerDay bounds the firings of one day: one a minute.
const maxPerDay = 24*60 + 60

// schedule is a plan's schedule, parsed once: when its windows close and which day they settle on. It is pure.
type schedule struct {
	plan.Schedule
	zone    *time.Location
	cutOffs []firings
	working [7]bool
	closed  map[string]bool
	extra   map[string]bool
}

// firings is a cron line in a zone.
type firings interface {
	// Next is the first firing after t, the zero time where there is none.
	Next(t time.Time) time.Time
}

// terms are what a window needs of its schedule even when the schedule has left the plan.
func (s *schedule) terms() terms {
	return terms{Model: s.Model, Timing: s.Timing, Lag: s.ValueDateLag, Delivery: s.Delivery}
}

func compileSchedule(p plan.Schedule) (schedule, error) {
	fail := func(field, value string, err error) (schedule, error) {
		return schedule{}, fmt.Errorf("schedule %q: %s %q: %w", p.Name, field, value, err)
	}
	zone, err := time.LoadLocation(p.Zone)
	if err != nil || p.Zone == "" {
		return fail("zone", p.Zone, fmt.Errorf("not a time zone"))
	}
	s := schedule{Schedule: p, zone: zone, closed: daySet(p.Closed), extra: daySet(p.Extra)}
	for _, line := range p.CutOffs {
		c, err := parseCutOff(line, zone)
		if err != nil {
			return fail("cut-off", line, err)
		}
		s.cutOffs = append(s.cutOffs, c)
	}
	if len(p.WorkingDays) == 0 {
		s.working = [7]bool{false, true, true, true, true, true, false}
	}
	for _, d := range p.WorkingDays {
		i := slices.Index([]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}, d)
		if i < 0 {
			return fail("working day", d, fmt.Errorf("want Mon, Tue, Wed, Thu, Fri, Sat or Sun"))
		}
		s.working[i] = true
	}
	switch p.HolidayRule {
	case "Skip", "NextBusinessDay", "PreviousBusinessDay":
	default:
		return fail("holiday rule", p.HolidayRule, fmt.Errorf("want Skip, NextBusinessDay or PreviousBusinessDay"))
	}
	switch p.Model {
	case ModelGross, ModelBilateral, ModelMultilateral:
	default:
		return fail("model", p.Model, fmt.Errorf("want Gross, BilateralNet or MultilateralNet"))
	}
	if len(p.CutOffs) > 0 {
		if _, err := s.next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
			return schedule{}, err
		}
	}
	return s, nil
}

func daySet(days []string) map[string]bool {
	m := make(map[string]bool, len(days))
	for _, d := range days {
		m[d] = true
	}
	return m
}

// business reports whether the day that t lies in is a business day.
func (s *schedule) business(t time.Time) bool {
	day := t.Format(time.DateOnly)
	return s.extra[day] || s.working[t.Weekday()] && !s.closed[day]
}

// next is the first cut-off after t, with those on closed days moved or skipped as the holiday rule says.
func (s *schedule) next(t time.Time) (time.Time, error) {
	day := midnight(t.In(s.zone))
	for range horizon {
		if s.business(day) {
			for _, c := range s.on(day) {
				if c.After(t) {
					return c.UTC(), nil
				}
			}
		}
		day = addDays(day, 1)
	}
	return time.Time{}, fmt.Errorf("schedule %q: no cut-off within %d days after %s", s.Name, horizon, t.UTC().Format(time.RFC3339))
}

// on lists the cut-offs of a business day in order: its own, and those that the holiday rule moves to it.
func (s *schedule) on(day time.Time) []time.Time {
	all := s.firing(day, day)
	step := 0
	switch s.HolidayRule {
	case "NextBusinessDay":
		step = -1
	case "PreviousBusinessDay":
		step = 1
	}
	for i := 1; step != 0 && i < horizon; i++ {
		from := addDays(day, step*i)
		if s.business(from) {
			break
		}
		all = append(all, s.firing(from, day)...)
	}
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

// firing lists the firings of the day from, at the same local times of the day to.
func (s *schedule) firing(from, to time.Time) []time.Time {
	var all []time.Time
	end := addDays(from, 1)
	for _, c := range s.cutOffs {
		t := from.Add(-time.Nanosecond)
		for range maxPerDay {
			if t = c.Next(t); t.IsZero() || !t.Before(end) {
				break
			}
			at := t
			if !from.Equal(to) {
				l := t.In(s.zone)
				at = time.Date(to.Year(), to.Month(), to.Day(), l.Hour(), l.Minute(), l.Second(), 0, s.zone)
			}
			all = append(all, at)
		}
	}
	return all
}

// valueDate is the day on which what was closed at t settles: the schedule's lag in business days after the business day that t
// lies in or precedes. Immediate settlement has no lag.
func (s *schedule) valueDate(t time.Time) string {
	lag := int(s.ValueDateLag)
	if s.Timing == "Immediate" {
		lag = 0
	}
	day := midnight(t.In(s.zone))
	for range horizon {
		if s.business(day) {
			if lag == 0 {
				break
			}
			lag--
		}
		day = addDays(day, 1)
	}
	return day.Format(time.DateOnly)
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// addDays moves by calendar days, also over a change of the clocks.
func addDays(t time.Time, n int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+n, 0, 0, 0, 0, t.Location())
}
