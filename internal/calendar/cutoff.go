package calendar

import (
	"fmt"
	"iter"
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// CutOff is a cron line of five fields in a time zone. It fires at whole minutes of the wall clock there, each exactly once: a wall
// time that a clock change skips fires at the change (several that are skipped, together), a repeated one the first time.
type CutOff struct {
	line string
	loc  *time.Location
	spec *cron.SpecSchedule
}

// starBit is how the parser marks a field that began with a star.
const starBit = 1 << 63

// horizon is how far ahead a firing is looked for, in days: 29 February may be eight years away.
const horizon = 9 * 366

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// ParseCutOff reads a cron line of five fields (minute, hour, day of month, month, day of week) in the zone. As in cron, where both
// day fields are restricted, either may match. Lines that never fire are refused, as are @daily and the like, seconds and TZ=.
func ParseCutOff(line, zone string) (CutOff, error) {
	loc, err := ParseZone(zone)
	if err != nil {
		return CutOff{}, fmt.Errorf("cut-off %q: %w", line, err)
	}
	if len(line) > 128 || strings.ContainsAny(line, "=@") || len(strings.Fields(line)) != 5 {
		return CutOff{}, fmt.Errorf("cut-off %.128q: want five fields: minute, hour, day of month, month, day of week", line)
	}
	s, err := parser.Parse(line)
	if err != nil {
		return CutOff{}, fmt.Errorf("cut-off %q: %w", line, err)
	}
	spec, ok := s.(*cron.SpecSchedule)
	if !ok {
		return CutOff{}, fmt.Errorf("cut-off %q: not a calendar schedule", line)
	}
	c := CutOff{line: line, loc: loc, spec: spec}
	// From the end of a leap day on, the search covers the longest way to the next.
	if c.Next(time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return CutOff{}, fmt.Errorf("cut-off %q: never fires", line)
	}
	return c, nil
}

// String is the cron line.
func (c CutOff) String() string { return c.line }

// Location is the zone that the line is read in.
func (c CutOff) Location() *time.Location { return c.loc }

// Next is the first firing after the given moment. It is zero only for the zero CutOff.
func (c CutOff) Next(after time.Time) time.Time {
	if c.spec == nil {
		return time.Time{}
	}
	first, from := wallOf(after.In(c.loc)).date()
	for i := range horizon {
		d := first.AddDays(i)
		for minute := range c.on(d) {
			if i == 0 && minute < from {
				continue
			}
			if t := d.At(minute, c.loc); t.After(after) {
				return t
			}
		}
	}
	return time.Time{}
}

// Prev is the last firing before the given moment. It is zero only for the zero CutOff.
func (c CutOff) Prev(before time.Time) time.Time {
	if c.spec == nil {
		return time.Time{}
	}
	// Where clocks went back, a later wall time may have been shown already: begin a day ahead.
	last, _ := wallOf(before.In(c.loc)).date()
	for i := -1; i < horizon; i++ {
		d := last.AddDays(-i)
		var found time.Time
		for minute := range c.on(d) {
			t := d.At(minute, c.loc)
			if !t.Before(before) {
				break
			}
			found = t
		}
		if !found.IsZero() {
			return found
		}
	}
	return time.Time{}
}

// on yields the minutes of day d, by the wall clock, at which the line fires.
func (c CutOff) on(d Date) iter.Seq[int] {
	return func(yield func(int) bool) {
		if !c.matches(d) {
			return
		}
		for hours := c.spec.Hour &^ starBit; hours != 0; hours &= hours - 1 {
			h := bits.TrailingZeros64(hours)
			for minutes := c.spec.Minute &^ starBit; minutes != 0; minutes &= minutes - 1 {
				if !yield(h*60 + bits.TrailingZeros64(minutes)) {
					return
				}
			}
		}
	}
}

func (c CutOff) matches(d Date) bool {
	_, month, day := d.YMD()
	if c.spec.Month&(1<<uint(month)) == 0 {
		return false
	}
	dom := c.spec.Dom&(1<<uint(day)) != 0
	dow := c.spec.Dow&(1<<uint(d.Weekday())) != 0
	if c.spec.Dom&starBit != 0 || c.spec.Dow&starBit != 0 {
		return dom && dow
	}
	return dom || dow
}
