package compile

import (
	"maps"
	"slices"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/plan"
)

// result seals the plans and collects the verdicts.
func (c *compilation) result() Result {
	out := Result{Regions: make(map[string]RegionPlan, len(c.plans)), Verdicts: map[Ref]Verdict{}}
	for name, b := range c.plans {
		if !c.regions.valid(name) {
			continue
		}
		ch := c.settleMembers(name, b)
		p := b.plan(c, &ch)
		if err := plan.Seal(p); err != nil {
			// Plans are plain data, so that this cannot happen; were it to, the region keeps what it has.
			c.regionFailed(name, err)
			continue
		}
		deployment := c.regions.entry[name]
		deployment.Credentials = credentials(p)
		out.Regions[name] = RegionPlan{Plan: p, Deployment: deployment}
		v := c.regions.verdict[name]
		v.Regions = []string{name}
		v.Effective.Region = effectiveRegion(deployment, len(p.Corridors))
		for ref, old := range ch.old {
			c.mark(ref, name, old)
		}
	}
	collect(out.Verdicts, KindRegion, c.regions.verdict)
	collect(out.Verdicts, KindRail, c.rails.verdict)
	collect(out.Verdicts, KindProvider, c.providers.verdict)
	collect(out.Verdicts, KindCorridor, c.corridors.verdict)
	collect(out.Verdicts, KindSchedule, c.schedules.verdict)
	collect(out.Verdicts, KindParticipant, c.participants.verdict)
	collect(out.Verdicts, KindCalendar, c.calendar.verdict)
	return out
}

// settleMembers chooses the region's members, and takes out corridors that cannot work with them until none is left: a corridor that
// goes on as it was may need a member's older version, with which a newer corridor does not fit.
func (c *compilation) settleMembers(region string, b *builder) chosen {
	for {
		ch := b.choose(c)
		removed := false
		for _, name := range slices.Sorted(maps.Keys(b.corridors)) {
			entry := b.corridors[name]
			field, ref, bad := ch.unfit(&entry)
			if !bad {
				continue
			}
			removed = true
			delete(b.corridors, name)
			delete(b.kept, name)
			v := c.corridors.verdict[name]
			v.Regions = without(v.Regions, region)
			v.LastGood = without(v.LastGood, region)
			if !v.OK() {
				continue
			}
			var f findings
			f.unresolved(v1alpha1.ReasonRefNotAccepted, field, ref.Name,
				"in region %s the %s stays as it was last served, since another corridor needs it so", region, ref.Kind)
			v.Findings = f.list
			v.ResolvedRefs = condition(f.list, true, v1alpha1.ReasonResolvedRefs)
			if last := b.lastCorridor(name); last != nil {
				b.keep(last)
				v.Regions = append(v.Regions, region)
				v.LastGood = append(v.LastGood, region)
			}
		}
		if !removed {
			return ch
		}
	}
}

func (c *compilation) regionFailed(name string, err error) {
	var f findings
	f.invalid(v1alpha1.ReasonInvalidValue, "spec", "", "%s", err)
	v := f.verdict()
	c.regions.verdict[name] = &v
}

// mark notes that a region's plan holds a member, and whether as it was.
func (c *compilation) mark(ref Ref, region string, old bool) {
	var v *Verdict
	switch ref.Kind {
	case KindRail:
		v = c.rails.verdict[ref.Name]
	case KindProvider:
		v = c.providers.verdict[ref.Name]
	case KindSchedule:
		v = c.schedules.verdict[ref.Name]
	case KindParticipant:
		v = c.participants.verdict[ref.Name]
	}
	if v == nil {
		return
	}
	v.Regions = append(v.Regions, region)
	if old {
		v.LastGood = append(v.LastGood, region)
	}
}

func collect(to map[Ref]Verdict, kind string, from map[string]*Verdict) {
	for name, v := range from {
		slices.Sort(v.Regions)
		slices.Sort(v.LastGood)
		slices.Sort(v.Draining)
		to[Ref{kind, name}] = *v
	}
}

func without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(e string) bool { return e == s })
}
