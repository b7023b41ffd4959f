package calendar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Calendar is one country's or system's closings, over the years that are known.
type Calendar struct {
	// Name, such as CN, US or XECB; Title says whose days they are; Source who publishes them.
	Name, Title, Source string
	// Closed days, weekends' holidays included; Extra are working days on what would be a weekend. Both are sorted.
	Closed, Extra []Date
	// First and Last day that the calendar covers.
	First, Last Date
	// ProjectedFrom is the first day whose closings are computed or estimated, since nobody has published them; zero: none is.
	ProjectedFrom Date
}

// facts is a calendar as it is written down: a line a year, of month-day.
type facts struct {
	name, title, source string
	// projected is the first year that no authority has published; 0 where rules fixed by law give every day.
	projected     int
	closed, extra string
}

// aliases are other names of built-in calendars.
var aliases = map[string]string{"T2": "XECB", "TARGET": "XECB", "Fedwire": "US", "CIPS": "CN", "CNAPS": "CN"}

var builtin = sync.OnceValue(func() map[string]Calendar {
	m := map[string]Calendar{}
	for _, f := range slices.Concat(americas, europe, asia, southasia, pacific) {
		c := Calendar{
			Name: f.name, Title: f.title, Source: f.source,
			Closed: written(f.closed), Extra: written(f.extra),
		}
		first, _, _ := c.Closed[0].YMD()
		last, _, _ := c.Closed[len(c.Closed)-1].YMD()
		c.First, c.Last = NewDate(first, 1, 1), NewDate(last, 12, 31)
		if f.projected != 0 {
			c.ProjectedFrom = NewDate(f.projected, 1, 1)
		}
		m[f.name] = c
	}
	return m
})

// written reads the facts. They are constants of the program, proven by its tests, so that a slip is a panic there.
func written(s string) []Date {
	var out []Date
	for line := range strings.Lines(s) {
		year, days, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		for _, day := range strings.Fields(days) {
			d, err := ParseDate(year + "-" + day)
			if err != nil {
				panic(err)
			}
			out = append(out, d)
		}
	}
	return out
}

// Builtin finds a built-in calendar by name or alias. The slices are shared: do not change them.
func Builtin(name string) (Calendar, bool) {
	if a, ok := aliases[name]; ok {
		name = a
	}
	c, ok := builtin()[name]
	return c, ok
}

// BuiltinNames lists the built-in calendars and their aliases, sorted.
func BuiltinNames() []string {
	var out []string
	for name := range builtin() {
		out = append(out, name)
	}
	for name := range aliases {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Between is the calendar cut to the days from first to last, for a plan's horizon. An error says that the calendar ends before last.
func (c Calendar) Between(first, last Date) (closed, extra []Date, err error) {
	if c.Last.Before(last) || first.Before(c.First) {
		err = fmt.Errorf("calendar %s covers %s to %s, not %s to %s", c.Name, c.First, c.Last, first, last)
	}
	return cut(c.Closed, first, last), cut(c.Extra, first, last), err
}

func cut(dates []Date, first, last Date) []Date {
	from, _ := slices.BinarySearchFunc(dates, first, Date.Compare)
	to, _ := slices.BinarySearchFunc(dates, last.AddDays(1), Date.Compare)
	return slices.Clone(dates[from:max(from, to)])
}

// Business is the calendar over a Monday to Friday week.
func (c Calendar) Business() *Business { return NewBusiness(MondayToFriday, c.Closed, c.Extra) }

// String is the name and what it covers, for people.
func (c Calendar) String() string {
	s := c.Name + ": " + c.Title + ", " + c.First.String() + " to " + c.Last.String()
	if !c.ProjectedFrom.IsZero() {
		y, _, _ := c.ProjectedFrom.YMD()
		s += ", projected from " + strconv.Itoa(y)
	}
	return s
}
