package settle

import (
	"fmt"
	"time"

	"qiantang.dev/rails/internal/calendar"
	"qiantang.dev/rails/internal/plan"
)

// schedule is a plan's schedule, parsed once: when its windows close and which day they settle on. It is pure.
type schedule struct {
	plan.Schedule
	cutOffs *calendar.Schedule
	days    *calendar.Business
	zone    *time.Location
}

func compileSchedule(p plan.Schedule) (schedule, error) {
	fail := func(err error) (schedule, error) {
		return schedule{}, fmt.Errorf("schedule %q: %w", p.Name, err)
	}
	zone, err := calendar.ParseZone(p.Zone)
	if err != nil {
		return fail(err)
	}
	days, err := calendar.ParseBusiness(p.WorkingDays, p.Closed, p.Extra)
	if err != nil {
		return fail(err)
	}
	cutOffs, err := calendar.NewSchedule(p.CutOffs, p.Zone, days, calendar.HolidayRule(p.HolidayRule))
	if err != nil {
		return fail(err)
	}
	switch p.Model {
	case ModelGross, ModelBilateral, ModelMultilateral:
	default:
		return fail(fmt.Errorf("model %q: want Gross, BilateralNet or MultilateralNet", p.Model))
	}
	return schedule{Schedule: p, cutOffs: cutOffs, days: days, zone: zone}, nil
}

// regime is what a plan says about settlement. It is immutable.
type regime struct {
	institution, region, self string
	schedules                 map[string]*schedule
	parties                   map[string]plan.Participant
}

func newRegime(r *plan.Region) (*regime, error) {
	g := &regime{
		institution: r.Institution, region: r.Name, self: r.Self,
		schedules: make(map[string]*schedule, len(r.Schedules)), parties: make(map[string]plan.Participant, len(r.Participants)),
	}
	for _, p := range r.Schedules {
		s, err := compileSchedule(p)
		if err != nil {
			return nil, err
		}
		g.schedules[p.Name] = &s
	}
	for _, p := range r.Participants {
		g.parties[p.Name] = p
	}
	return g, nil
}

// next is the first cut-off after t.
func (s *schedule) next(t time.Time) (time.Time, error) {
	c := s.cutOffs.Next(t)
	if c.IsZero() {
		return c, fmt.Errorf("schedule %q: no cut-off after %s", s.Name, t.UTC().Format(time.RFC3339))
	}
	return c.UTC(), nil
}

// valueDate is the day on which what was closed at t settles: the schedule's lag in business days after the business day that t
// lies in or, on a closed day, the next one.
func (s *schedule) valueDate(t time.Time) calendar.Date {
	return s.days.ValueDate(calendar.DateOf(t.In(s.zone)), int(s.ValueDateLag))
}

// terms are what a window that closes at t needs of its schedule, even when the schedule has left the plan.
func (s *schedule) terms(t time.Time) terms {
	date := s.valueDate(t)
	k := terms{Model: s.Model, ValueDate: date.String(), Delivery: s.Delivery}
	if s.Timing == TimingDeferred {
		k.InstructAt = date.At(0, s.zone).UTC()
	}
	return k
}
