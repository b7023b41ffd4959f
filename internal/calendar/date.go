package calendar

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a day, in no time zone. The zero value is no date. Dates are comparable.
type Date struct {
	// n counts days; 1 is 1 January of year 1.
	n int32
}

// unixEpoch is Date.n of 1 January 1970.
const unixEpoch = 719163

// NewDate makes a Date; out-of-range days and months roll over as in time.Date.
func NewDate(year int, month time.Month, day int) Date {
	return fromUTC(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// DateOf is the day of t in t's own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return NewDate(y, m, d)
}

// ParseDate reads YYYY-MM-DD strictly.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("date %q: want an existing day as YYYY-MM-DD", s)
	}
	return fromUTC(t), nil
}

func fromUTC(t time.Time) Date {
	s := t.Unix()
	d := s / 86400
	if s%86400 < 0 {
		d--
	}
	return Date{n: int32(d + unixEpoch)}
}

func (d Date) utc() time.Time { return time.Unix((int64(d.n)-unixEpoch)*86400, 0).UTC() }

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d.n == 0 }

// YMD are the year, month and day.
func (d Date) YMD() (int, time.Month, int) { return d.utc().Date() }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday {
	w := d.n % 7
	if w < 0 {
		w += 7
	}
	return time.Weekday(w)
}

// AddDays is the date n days later, or earlier where n is negative.
func (d Date) AddDays(n int) Date { return Date{n: d.n + int32(n)} }

// Compare is -1, 0 or +1 as d is before, the same as or after o.
func (d Date) Compare(o Date) int { return cmp.Compare(d.n, o.n) }

// Before reports whether d is before o.
func (d Date) Before(o Date) bool { return d.n < o.n }

// At is the moment of a wall time on d in loc. A wall time that a clock change skips is the moment of the change; one that is
// repeated is its first occurrence. Minutes count from midnight, and may be negative or more than a day.
func (d Date) At(minutes int, loc *time.Location) time.Time {
	return wall{(int64(d.n)-unixEpoch)*86400 + int64(minutes)*60}.in(loc)
}

// String writes YYYY-MM-DD; empty for no date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.utc().Format(time.DateOnly)
}

// MarshalText writes as String does.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads as ParseDate does; empty text is no date.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	v, err := ParseDate(string(b))
	if err == nil {
		*d = v
	}
	return err
}

// ParseDates reads many dates; the error names the one that is wrong.
func ParseDates(list []string) ([]Date, error) {
	out := make([]Date, len(list))
	for i, s := range list {
		d, err := ParseDate(s)
		if err != nil {
			return nil, err
		}
		out[i] = d
	}
	return out, nil
}
