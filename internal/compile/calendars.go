package compile

import (
	"fmt"
	"strings"
	"time"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/calendar"
)

// horizon is the span of days that plans carry calendars for.
type horizon struct{ first, last calendar.Date }

// horizonOf begins with the month before now's and ends with the thirteenth after it, so that it moves once a month.
func horizonOf(now time.Time) horizon {
	y, m, _ := now.UTC().Date()
	return horizon{first: calendar.NewDate(y, m-1, 1), last: calendar.NewDate(y, m+14, 1).AddDays(-1)}
}

// source is one calendar over the horizon: what it closes, what it adds, and its week.
type source struct {
	week          calendar.Week
	closed, extra map[calendar.Date]bool
}

func (s source) business(d calendar.Date) bool {
	return !s.closed[d] && (s.week.Has(d.Weekday()) || s.extra[d])
}

// days is what a plan carries of calendars.
type days struct{ week, closed, extra []string }

// calendars resolves references to calendars, each once.
type calendars struct {
	horizon  horizon
	builtIn  map[string]source
	own      map[string]source
	verdicts map[string]bool
	weekly   map[string]days
	hourly   map[string]days
}

func newCalendars(now time.Time) *calendars {
	return &calendars{
		horizon: horizonOf(now), builtIn: map[string]source{}, own: map[string]source{}, verdicts: map[string]bool{},
		weekly: map[string]days{}, hourly: map[string]days{},
	}
}

// add compiles a BusinessCalendar, for later references by name.
func (c *calendars) add(b *v1alpha1.BusinessCalendar) findings {
	var f findings
	s := source{week: calendar.MondayToFriday, closed: map[calendar.Date]bool{}, extra: map[calendar.Date]bool{}}
	if len(b.Spec.WorkingWeek) > 0 {
		week, err := calendar.ParseWeek(texts(b.Spec.WorkingWeek))
		if err != nil {
			f.invalid(v1alpha1.ReasonInvalidValue, "spec.workingWeek", strings.Join(texts(b.Spec.WorkingWeek), ","), "%s", err)
		}
		s.week = week
	}
	built := c.builtIns(&f, "spec.builtInCalendars", b.Spec.BuiltInCalendars)
	s.closed, s.extra = joint(built)
	own := map[calendar.Date]bool{}
	for i, day := range b.Spec.Closings {
		if d, ok := f.date(fmt.Sprintf("spec.closings[%d].date", i), day.Date); ok {
			own[d], s.closed[d] = true, true
			delete(s.extra, d)
		}
	}
	for i, day := range b.Spec.WorkingDays {
		field := fmt.Sprintf("spec.workingDays[%d].date", i)
		d, ok := f.date(field, day.Date)
		if ok && own[d] {
			f.invalid(v1alpha1.ReasonInvalidValue, field, string(day.Date), "is in spec.closings too")
		}
		if ok {
			s.extra[d] = true
			delete(s.closed, d)
		}
	}
	c.verdicts[b.Name] = f.ok()
	if f.ok() {
		c.own[b.Name] = s
	}
	return f
}

func (f *findings) date(field string, s v1alpha1.Date) (calendar.Date, bool) {
	d, err := calendar.ParseDate(string(s))
	if err != nil {
		f.invalid(v1alpha1.ReasonInvalidValue, field, string(s), "no such day")
	}
	return d, err == nil
}

// joint closes what any closes, and adds what all add and none closes.
func joint(sources []source) (closed, extra map[calendar.Date]bool) {
	closed, extra = map[calendar.Date]bool{}, map[calendar.Date]bool{}
	for _, s := range sources {
		for d := range s.closed {
			closed[d] = true
		}
	}
	if len(sources) == 0 {
		return closed, extra
	}
	for d := range sources[0].extra {
		all := !closed[d]
		for _, s := range sources[1:] {
			all = all && s.extra[d]
		}
		if all {
			extra[d] = true
		}
	}
	return closed, extra
}

func (c *calendars) builtIns(f *findings, field string, names []v1alpha1.BuiltInCalendar) []source {
	out := make([]source, 0, len(names))
	for i, name := range names {
		s, ok := c.builtIn[string(name)]
		if !ok {
			known, found := calendar.Builtin(string(name))
			if !found {
				f.unresolved(v1alpha1.ReasonUnknownCalendar, fmt.Sprintf("%s[%d]", field, i), string(name),
					"no such built-in calendar: want one of %s", strings.Join(calendar.BuiltinNames(), ", "))
				continue
			}
			// The horizon may reach past what is known: then it ends there.
			closed, extra, _ := known.Between(c.horizon.first, c.horizon.last)
			s = source{week: calendar.MondayToFriday, closed: set(closed), extra: set(extra)}
			c.builtIn[string(name)] = s
		}
		out = append(out, s)
	}
	return out
}

func set(list []calendar.Date) map[calendar.Date]bool {
	m := make(map[calendar.Date]bool, len(list))
	for _, d := range list {
		m[d] = true
	}
	return m
}

func (c *calendars) sources(f *findings, field string, names []v1alpha1.BuiltInCalendar, refs []v1alpha1.LocalReference) []source {
	out := c.builtIns(f, field+".builtInCalendars", names)
	for i, ref := range refs {
		ok, exists := c.verdicts[string(ref.Name)]
		if f.reference(fmt.Sprintf("%s.calendarRefs[%d].name", field, i), KindCalendar, string(ref.Name), exists, ok) {
			out = append(out, c.own[string(ref.Name)])
		}
	}
	return out
}

// forHours is what closes and opens weekly openings: closed days whatever the week, and days that all calendars add.
func (c *calendars) forHours(f *findings, field string, names []v1alpha1.BuiltInCalendar, refs []v1alpha1.LocalReference) days {
	sources := c.sources(f, field, names, refs)
	key := calendarKey(names, refs)
	if d, ok := c.hourly[key]; ok {
		return d
	}
	closed, extra := joint(sources)
	var out days
	for d := c.horizon.first; !c.horizon.last.Before(d); d = d.AddDays(1) {
		if closed[d] {
			out.closed = append(out.closed, d.String())
		}
		if extra[d] {
			out.extra = append(out.extra, d.String())
		}
	}
	c.hourly[key] = out
	return out
}

// forDays is what makes business days: a day must be one in every calendar.
func (c *calendars) forDays(f *findings, field string, names []v1alpha1.BuiltInCalendar, refs []v1alpha1.LocalReference) days {
	sources := c.sources(f, field, names, refs)
	key := calendarKey(names, refs)
	if d, ok := c.weekly[key]; ok {
		return d
	}
	week := calendar.EveryDay
	if len(sources) == 0 {
		week = calendar.MondayToFriday
	}
	for _, s := range sources {
		week &= s.week
	}
	var out days
	if week != calendar.MondayToFriday && week != 0 {
		out.week = strings.Split(week.String(), ",")
	}
	for d := c.horizon.first; !c.horizon.last.Before(d); d = d.AddDays(1) {
		open := week.Has(d.Weekday())
		if len(sources) > 0 {
			open = true
			for _, s := range sources {
				open = open && s.business(d)
			}
		}
		switch {
		case week.Has(d.Weekday()) && !open:
			out.closed = append(out.closed, d.String())
		case !week.Has(d.Weekday()) && open:
			out.extra = append(out.extra, d.String())
		}
	}
	if week == 0 && len(out.extra) == 0 {
		f.invalid(v1alpha1.ReasonInvalidValue, field+".calendarRefs", strings.Join(refNames(refs), ","), "leave no business day at all")
	}
	c.weekly[key] = out
	return out
}

func calendarKey(names []v1alpha1.BuiltInCalendar, refs []v1alpha1.LocalReference) string {
	return strings.Join(texts(names), ",") + "/" + strings.Join(refNames(refs), ",")
}

func refNames(refs []v1alpha1.LocalReference) []string {
	out := make([]string, len(refs))
	for i, r := range refs {
		out[i] = string(r.Name)
	}
	return out
}

func texts[T ~string](list []T) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}
