package compile

import (
	"cmp"
	"slices"
	"strings"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/plan"
)

// kind is what became of the resources of one kind: an entry for each that is valid, and a verdict on each.
type kind[T any] struct {
	entry   map[string]T
	verdict map[string]*Verdict
}

func newKind[T any](n int) kind[T] {
	return kind[T]{entry: make(map[string]T, n), verdict: make(map[string]*Verdict, n)}
}

func (k *kind[T]) add(name string, entry T, f findings) *Verdict {
	v := f.verdict()
	k.verdict[name] = &v
	if f.ok() {
		k.entry[name] = entry
	}
	return &v
}

func (k *kind[T]) valid(name string) bool {
	_, ok := k.entry[name]
	return ok
}

// compilation is one run of Compile.
type compilation struct {
	Snapshot
	calendars    *calendars
	calendar     kind[struct{}]
	participants kind[plan.Participant]
	rails        kind[plan.Rail]
	providers    kind[plan.Provider]
	schedules    kind[plan.Schedule]
	regions      kind[plan.Deployment]
	corridors    kind[plan.Corridor]

	self    string
	places  map[string]string
	checked map[string]error
	claims  map[claim]string
	// plans of all regions but those being deleted; of one that is not valid nothing new comes out, and what it has goes on.
	plans map[string]*builder
}

// Compile makes a plan for each accepted region, and a verdict on each resource. See the package's invariants.
func Compile(s Snapshot) Result {
	c := &compilation{
		Snapshot: s, calendars: newCalendars(s.Now), calendar: newKind[struct{}](len(s.Calendars)),
		participants: newKind[plan.Participant](len(s.Participants)), rails: newKind[plan.Rail](len(s.Rails)),
		providers: newKind[plan.Provider](len(s.Providers)), schedules: newKind[plan.Schedule](len(s.Schedules)),
		regions: newKind[plan.Deployment](len(s.Regions)), corridors: newKind[plan.Corridor](len(s.Corridors)),
		places: map[string]string{}, checked: map[string]error{}, claims: make(map[claim]string, len(s.Corridors)),
		plans: map[string]*builder{},
	}
	c.compileMembers()
	c.compileRegions()
	c.compileCorridors()
	return c.result()
}

// oldestFirst orders resources by age, then name, so that the oldest wins whatever order they come in.
func oldestFirst[T any, P interface {
	*T
	object
}](list []T) []P {
	out := make([]P, len(list))
	for i := range list {
		out[i] = P(&list[i])
	}
	slices.SortFunc(out, func(a, b P) int {
		at, bt := a.GetCreationTimestamp(), b.GetCreationTimestamp()
		return cmp.Or(at.Time.Compare(bt.Time), strings.Compare(a.GetName(), b.GetName()))
	})
	return out
}

func (c *compilation) compileMembers() {
	for _, b := range oldestFirst(c.Calendars) {
		c.calendar.add(b.Name, struct{}{}, c.calendars.add(b))
	}
	bics := map[string]string{}
	for _, p := range oldestFirst(c.Participants) {
		entry, f := compileParticipant(p)
		if p.Spec.Role == v1alpha1.ParticipantSelf {
			if c.self != "" {
				f.invalid(v1alpha1.ReasonConflict, "spec.role", string(p.Spec.Role), "Participant %q is already the institution itself", c.self)
			} else if f.ok() {
				c.self = p.Name
			}
		}
		if p.Spec.BIC != "" && f.ok() {
			// A BIC of 8 characters is that of the head office, which XXX names in one of 11.
			bic := strings.TrimSuffix(p.Spec.BIC, "XXX")
			if first, taken := bics[bic]; taken {
				f.invalid(v1alpha1.ReasonConflict, "spec.bic", p.Spec.BIC, "is already Participant %q's", first)
			} else {
				bics[bic] = p.Name
			}
		}
		c.participants.add(p.Name, entry, f)
	}
	for i := range c.Rails {
		entry, f := compileRail(c.calendars, &c.Rails[i])
		c.rails.add(c.Rails[i].Name, entry, f)
	}
	for i := range c.Providers {
		entry, f := c.compileProvider(&c.Providers[i])
		v := c.providers.add(c.Providers[i].Name, entry, f)
		if f.ok() {
			v.Effective.Provider = effectiveProvider(&entry)
		}
	}
	for i := range c.Schedules {
		entry, f := compileSchedule(c.calendars, &c.Schedules[i])
		v := c.schedules.add(c.Schedules[i].Name, entry, f)
		if f.ok() {
			v.Effective.Schedule = &v1alpha1.SettlementScheduleEffective{
				HolidayRule: v1alpha1.HolidayRule(entry.HolidayRule), Timing: v1alpha1.SettlementTiming(entry.Timing),
				MessageFormat: v1alpha1.MessageFormat(entry.MessageFormat),
			}
		}
	}
}

func effectiveProvider(p *plan.Provider) *v1alpha1.FXProviderEffective {
	role := v1alpha1.ProviderRouted
	if p.Reference {
		role = v1alpha1.ProviderReference
	}
	concurrent, failures := p.MaxConcurrent, p.BreakerFailures
	return &v1alpha1.FXProviderEffective{
		Role: role, QuoteTimeout: apiDuration(p.QuoteTimeout), ExecuteTimeout: apiDuration(p.ExecuteTimeout),
		MaxConcurrentRequests: &concurrent, BreakerFailures: &failures, BreakerOpenFor: apiDuration(p.BreakerOpen),
	}
}

func (c *compilation) compileRegions() {
	for _, r := range oldestFirst(c.Regions) {
		deployment, f := c.compileRegion(r)
		if !r.DeletionTimestamp.IsZero() {
			f.unresolved(v1alpha1.ReasonRefNotAccepted, "metadata.deletionTimestamp", "", "the region is being deleted")
		}
		c.regions.add(r.Name, deployment, f)
		if !r.DeletionTimestamp.IsZero() {
			continue
		}
		last, known := c.Last[r.Name]
		c.plans[r.Name] = newBuilder(c, r, last, known)
	}
}

func (c *compilation) compileCorridors() {
	for _, pc := range oldestFirst(c.Corridors) {
		entry, f := c.compileCorridor(pc)
		if !pc.DeletionTimestamp.IsZero() {
			c.drainDeleted(pc, entry, f)
			continue
		}
		if f.ok() {
			c.claim(pc, &entry, &f)
		}
		v := c.corridors.add(pc.Name, entry, f)
		if f.ok() {
			v.Effective.Corridor = &v1alpha1.CorridorEffective{Strategy: v1alpha1.RoutingStrategy(entry.Strategy), QuoteTTL: apiDuration(entry.QuoteTTL)}
			c.serve(pc, entry, v)
			continue
		}
		c.keep(pc, v)
	}
}

// claim takes the corridor's pair in each of its regions, or finds the older corridor that has it.
func (c *compilation) claim(pc *v1alpha1.PaymentCorridor, entry *plan.Corridor, f *findings) {
	for i, region := range pc.Spec.Regions {
		k := claimOf(string(region), entry)
		if first, taken := c.claims[k]; taken {
			f.invalid(v1alpha1.ReasonConflict, "spec.regions["+itoa(i)+"]", string(region),
				"PaymentCorridor %q is older and already has %s in this region", first, k.pair())
		}
	}
	if !f.ok() {
		return
	}
	for _, region := range pc.Spec.Regions {
		c.claims[claimOf(string(region), entry)] = pc.Name
	}
}

// serve puts a valid corridor into its regions, and drains it from those that it leaves.
func (c *compilation) serve(pc *v1alpha1.PaymentCorridor, entry plan.Corridor, v *Verdict) {
	for _, region := range pc.Spec.Regions {
		c.plans[string(region)].corridors[pc.Name] = entry
		v.Regions = append(v.Regions, string(region))
	}
	for name, b := range c.plans {
		if _, stays := b.corridors[pc.Name]; stays {
			continue
		}
		if last := b.lastCorridor(pc.Name); last != nil && !drainedIn(pc, name) {
			b.drain(last)
			v.Draining = append(v.Draining, name)
		}
	}
}

// keep goes on with what regions were last given of a corridor whose newest generation is not valid. Where an older corridor now
// has its pair, it drains.
func (c *compilation) keep(pc *v1alpha1.PaymentCorridor, v *Verdict) {
	for name, b := range c.plans {
		last := b.lastCorridor(pc.Name)
		if last == nil || (last.Draining && drainedIn(pc, name)) {
			continue
		}
		k := claimOf(name, last)
		if _, taken := c.claims[k]; taken || last.Draining {
			if !drainedIn(pc, name) {
				b.drain(last)
				v.Draining = append(v.Draining, name)
			}
			continue
		}
		c.claims[k] = pc.Name
		b.keep(last)
		v.Regions = append(v.Regions, name)
		v.LastGood = append(v.LastGood, name)
	}
}

// drainDeleted leaves a corridor that is being deleted in the plans, taking no payments, until it is drained.
func (c *compilation) drainDeleted(pc *v1alpha1.PaymentCorridor, entry plan.Corridor, f findings) {
	v := c.corridors.add(pc.Name, entry, f)
	if drained(pc) {
		return
	}
	for name, b := range c.plans {
		last := b.lastCorridor(pc.Name)
		switch {
		case last != nil:
			b.drain(last)
		case b.known || !slices.Contains(texts(pc.Spec.Regions), name):
			continue
		case f.ok():
			// What the region was last given is not known, so that it may be serving this.
			b.drain(&entry)
		}
		v.Draining = append(v.Draining, name)
	}
}

// drained says whether the resource itself records that no payment is under way anywhere.
func drained(pc *v1alpha1.PaymentCorridor) bool {
	for i := range pc.Status.Conditions {
		if cond := &pc.Status.Conditions[i]; cond.Type == v1alpha1.ConditionDrained {
			return cond.Status == "True"
		}
	}
	return false
}

// drainedIn says whether the resource records that no payment is under way in the region.
func drainedIn(pc *v1alpha1.PaymentCorridor, region string) bool {
	for i := range pc.Status.Regions {
		if r := &pc.Status.Regions[i]; string(r.Name) == region {
			return r.State == v1alpha1.CorridorDrained
		}
	}
	return false
}
