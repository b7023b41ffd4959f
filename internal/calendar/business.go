package calendar

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Week is a set of days of the week.
type Week uint8

// MondayToFriday is the working week of most of the world.
const MondayToFriday Week = 1<<time.Monday | 1<<time.Tuesday | 1<<time.Wednesday | 1<<time.Thursday | 1<<time.Friday

// EveryDay is all seven days.
const EveryDay Week = 1<<7 - 1

var dayNames = [...]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// DayName is the three-letter name of a day of the week, as plans write it.
func DayName(d time.Weekday) string { return dayNames[d] }

// ParseWeek reads day names: Mon, Tue, Wed, Thu, Fri, Sat, Sun. A day named twice is refused.
func ParseWeek(days []string) (Week, error) {
	var w Week
next:
	for _, s := range days {
		for i, name := range dayNames {
			if s != name {
				continue
			}
			if w&(1<<i) != 0 {
				return 0, fmt.Errorf("day of the week %q: named twice", s)
			}
			w |= 1 << i
			continue next
		}
		return 0, fmt.Errorf("day of the week %q: want Mon, Tue, Wed, Thu, Fri, Sat or Sun", s)
	}
	return w, nil
}

// Has reports whether d is in w.
func (w Week) Has(d time.Weekday) bool { return w&(1<<d) != 0 }

// String lists the days from Monday on.
func (w Week) String() string {
	var out []string
	for i := range 7 {
		if d := time.Weekday((i + 1) % 7); w.Has(d) {
			out = append(out, dayNames[d])
		}
	}
	return strings.Join(out, ",")
}

// Days is anything that knows its business days.
type Days interface{ IsBusinessDay(d Date) bool }

// Business is a working week with closed days and extra working days over it. It is immutable.
type Business struct {
	week          Week
	closed, extra map[Date]struct{}
}

// NewBusiness makes a Business. An empty week means Monday to Friday.
func NewBusiness(week Week, closed, extra []Date) *Business {
	if week == 0 {
		week = MondayToFriday
	}
	return &Business{week: week, closed: set(closed), extra: set(extra)}
}

// ParseBusiness reads what plans carry: day names, and dates as YYYY-MM-DD.
func ParseBusiness(workingDays, closed, extra []string) (*Business, error) {
	week, err := ParseWeek(workingDays)
	if err != nil {
		return nil, fmt.Errorf("working days: %w", err)
	}
	c, err := ParseDates(closed)
	if err != nil {
		return nil, fmt.Errorf("closed days: %w", err)
	}
	e, err := ParseDates(extra)
	if err != nil {
		return nil, fmt.Errorf("extra working days: %w", err)
	}
	return NewBusiness(week, c, e), nil
}

func set(dates []Date) map[Date]struct{} {
	if len(dates) == 0 {
		return nil
	}
	m := make(map[Date]struct{}, len(dates))
	for _, d := range dates {
		m[d] = struct{}{}
	}
	return m
}

// IsBusinessDay reports whether d is worked on.
func (b *Business) IsBusinessDay(d Date) bool {
	if _, ok := b.closed[d]; ok {
		return false
	}
	if b.week.Has(d.Weekday()) {
		return true
	}
	_, ok := b.extra[d]
	return ok
}

// Next is the first business day after d.
func (b *Business) Next(d Date) Date { return b.OnOrAfter(d.AddDays(1)) }

// Prev is the last business day before d.
func (b *Business) Prev(d Date) Date { return b.OnOrBefore(d.AddDays(-1)) }

// OnOrAfter is d where it is a business day, else the next one. It ends, since a week has working days and closings are finite.
func (b *Business) OnOrAfter(d Date) Date {
	for !b.IsBusinessDay(d) {
		d = d.AddDays(1)
	}
	return d
}

// OnOrBefore is d where it is a business day, else the one before.
func (b *Business) OnOrBefore(d Date) Date {
	for !b.IsBusinessDay(d) {
		d = d.AddDays(-1)
	}
	return d
}

// Add is n business days after d (before, where n is negative). n zero is d itself, business day or not.
func (b *Business) Add(d Date, n int) Date {
	for ; n > 0; n-- {
		d = b.Next(d)
	}
	for ; n < 0; n++ {
		d = b.Prev(d)
	}
	return d
}

// ValueDate is the day on which money of day d has its value: d, or the next business day where d is none, and then lag business
// days later.
func (b *Business) ValueDate(d Date, lag int) Date { return b.Add(b.OnOrAfter(d), lag) }

// Joint is open where all of its members are.
type Joint []Days

// IsBusinessDay reports whether d is worked on by all.
func (j Joint) IsBusinessDay(d Date) bool {
	for _, m := range j {
		if !m.IsBusinessDay(d) {
			return false
		}
	}
	return true
}

// ErrNoCommonDay says that calendars share no business day within a year.
var ErrNoCommonDay = errors.New("no common business day within a year")

// OnOrAfter is the first common business day from d on, or ErrNoCommonDay.
func (j Joint) OnOrAfter(d Date) (Date, error) {
	for range 366 {
		if j.IsBusinessDay(d) {
			return d, nil
		}
		d = d.AddDays(1)
	}
	return Date{}, ErrNoCommonDay
}
