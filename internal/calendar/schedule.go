package calendar

import (
	"fmt"
	"time"
)

// HolidayRule says what becomes of a cut-off on a closed day.
type HolidayRule string

// The holiday rules. Moved cut-offs keep their wall time; where one meets another, they are one.
const (
	Skip                HolidayRule = "Skip"
	NextBusinessDay     HolidayRule = "NextBusinessDay"
	PreviousBusinessDay HolidayRule = "PreviousBusinessDay"
)

// Schedule is several cut-offs in one zone, over business days.
type Schedule struct {
	cutOffs []CutOff
	loc     *time.Location
	days    *Business
	rule    HolidayRule
}

// NewSchedule reads cron lines in a zone over business days. An empty rule is Skip. A schedule that never fires, since the days on
// which its lines would are never worked on and it skips them, is refused.
func NewSchedule(lines []string, zone string, days *Business, rule HolidayRule) (*Schedule, error) {
	switch rule {
	case "":
		rule = Skip
	case Skip, NextBusinessDay, PreviousBusinessDay:
	default:
		return nil, fmt.Errorf("holiday rule %q: want Skip, NextBusinessDay or PreviousBusinessDay", string(rule))
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("schedule has no cut-offs")
	}
	s := &Schedule{days: days, rule: rule}
	for _, line := range lines {
		c, err := ParseCutOff(line, zone)
		if err != nil {
			return nil, err
		}
		s.cutOffs, s.loc = append(s.cutOffs, c), c.loc
	}
	if s.Next(time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("cut-offs %q: never fire on a business day", lines)
	}
	return s, nil
}

// Next is the first cut-off after the given moment, holidays considered; zero where there is none within nine years.
func (s *Schedule) Next(after time.Time) time.Time {
	first := DateOf(after.In(s.loc))
	for i := range horizon {
		var best time.Time
		for t := range s.on(first.AddDays(i)) {
			if t.After(after) && (best.IsZero() || t.Before(best)) {
				best = t
			}
		}
		if !best.IsZero() {
			return best
		}
	}
	return time.Time{}
}

// Prev is the last cut-off before the given moment, holidays considered; zero where there is none within nine years.
func (s *Schedule) Prev(before time.Time) time.Time {
	last := DateOf(before.In(s.loc))
	for i := -1; i < horizon; i++ {
		var best time.Time
		for t := range s.on(last.AddDays(-i)) {
			if t.Before(before) && t.After(best) {
				best = t
			}
		}
		if !best.IsZero() {
			return best
		}
	}
	return time.Time{}
}

// BusinessDate is the business day that a cut-off belongs to: its day in the schedule's zone.
func (s *Schedule) BusinessDate(cutOff time.Time) Date { return DateOf(cutOff.In(s.loc)) }

// on yields the moments of business day d: its own, and those of closed days that the rule moves to it.
func (s *Schedule) on(d Date) func(yield func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		if !s.days.IsBusinessDay(d) {
			return
		}
		step := 0
		switch s.rule {
		case NextBusinessDay:
			step = -1
		case PreviousBusinessDay:
			step = 1
		case Skip:
		}
		for from := d; ; from = from.AddDays(step) {
			for _, c := range s.cutOffs {
				for minute := range c.on(from) {
					if !yield(d.At(minute, s.loc)) {
						return
					}
				}
			}
			if step == 0 || s.days.IsBusinessDay(from.AddDays(step)) {
				return
			}
		}
	}
}
