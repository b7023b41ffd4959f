package controllers

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
)

// corridorStatus says of a corridor whether it is valid, and where it is served, draining or drained.
func (s *scope) corridorStatus(o *v1alpha1.PaymentCorridor, now metav1.Time) v1alpha1.PaymentCorridorStatus {
	ref := compile.Ref{Kind: compile.KindCorridor, Name: o.Name}
	verdict := s.result.Verdicts[ref]
	c := &conditions{before: o.Status.Conditions, generation: o.Generation, now: now}
	c.verdict(verdict)
	status := v1alpha1.PaymentCorridorStatus{}
	if e := verdict.Effective.Corridor; e != nil {
		status.Effective = *e
	} else {
		status.Effective = o.Status.Effective
	}
	deleting := !o.DeletionTimestamp.IsZero()
	var programmed, drained []said
	for _, name := range s.corridorRegions(o, verdict) {
		entry, serving, draining := s.corridorIn(name, o, ref, c.wasTrue(v1alpha1.ConditionProgrammed))
		status.Regions = append(status.Regions, entry)
		if serving != nil {
			programmed = append(programmed, *serving)
		}
		if draining != nil {
			drained = append(drained, *draining)
		}
	}
	switch {
	case deleting:
		d := worst(append(drained, programmed...))
		if len(status.Regions) == 0 {
			d = yes(v1alpha1.ReasonDrained, "")
		}
		c.set(v1alpha1.ConditionProgrammed, no(v1alpha1.ReasonDraining, "being deleted"))
		if hadDrained(o) {
			d = yes(v1alpha1.ReasonDrained, "") // It takes no payments any more, so that it stays drained.
		}
		c.set(v1alpha1.ConditionDrained, d)
	case len(verdict.LastGood) > 0 && !verdict.OK():
		c.set(v1alpha1.ConditionProgrammed, no(v1alpha1.ReasonLastGoodServed, "this generation is not valid; the last valid one is served"))
	case len(programmed) > 0:
		c.set(v1alpha1.ConditionProgrammed, worst(programmed))
	default:
		c.set(v1alpha1.ConditionProgrammed, no(v1alpha1.ReasonNotServed, "no region serves it"))
	}
	c.ready()
	status.Conditions = c.list
	return status
}

// corridorRegions are those that serve the corridor, and those that it is leaving, until it has left them.
func (s *scope) corridorRegions(o *v1alpha1.PaymentCorridor, verdict compile.Verdict) []string {
	names := slices.Concat(verdict.Regions, verdict.Draining)
	for _, st := range o.Status.Regions {
		v := s.views[string(st.Name)]
		if v != nil && !v.absent(compile.Ref{Kind: compile.KindCorridor, Name: o.Name}) && (v.plan != nil || o.DeletionTimestamp.IsZero()) {
			names = append(names, string(st.Name))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(n string) bool { return s.views[n] == nil })
}

// corridorIn is the corridor in one region: serving says how it is served there, draining how far it has left; one is nil.
func (s *scope) corridorIn(region string, o *v1alpha1.PaymentCorridor, ref compile.Ref, was bool) (entry v1alpha1.CorridorRegionStatus, serving, draining *said) {
	v := s.views[region]
	entry.Name = v1alpha1.ObjectName(region)
	entry.ServedGeneration = v.servedGeneration(ref)
	want, wanted := v.desired[ref]
	switch {
	case v.plan != nil && wanted && !want.draining:
		said := v.serves(ref, was)
		entry.State = servingStates[said.Reason]
		if entry.State == "" {
			entry.State = v1alpha1.CorridorPending
		}
		entry.Message = truncate(said.Message)
		if reach := v.reach; !reach.Connected && reach.Err == "" {
			// Connecting: what was said of the region stands.
			if had := regionEntry(o, region); had != nil {
				entry = *had
			}
		}
		return entry, &said, nil
	case v.plan != nil && wanted:
		d := v.drains(o.Name)
		entry.State, entry.InFlight, entry.Message = v1alpha1.CorridorDraining, d.inFlight, truncate(d.said.Message)
		switch {
		case d.done:
			entry.State = v1alpha1.CorridorDrained
		case d.said.Status == metav1.ConditionUnknown:
			entry.State = v1alpha1.CorridorUnknown
		}
		return entry, nil, &d.said
	}
	// Left out of the plan: drained, and not yet gone from every worker; or in a region of which there is no valid plan.
	if had := regionEntry(o, region); had != nil && had.State == v1alpha1.CorridorDrained {
		done := yes(v1alpha1.ReasonDrained, "")
		entry.State, entry.InFlight = v1alpha1.CorridorDrained, had.InFlight
		return entry, nil, &done
	}
	unknown := maybe(v1alpha1.ReasonRegionUnreachable, "region "+region+": what is served there is not known")
	if s, ok, _ := v.heard(); !ok {
		unknown = s
	}
	entry.State, entry.Message = v1alpha1.CorridorUnknown, truncate(unknown.Message)
	if o.DeletionTimestamp.IsZero() {
		return entry, &unknown, nil
	}
	return entry, nil, &unknown
}

// servedGeneration is the oldest generation that a worker serves; nil where that is not known or none is.
func (v *view) servedGeneration(ref compile.Ref) *int64 {
	var oldest *int64
	for _, w := range v.workers {
		have, known := v.history.byRevision[w.Revision]
		m, has := have[ref]
		if !known || !has {
			return nil
		}
		if oldest == nil || m.generation < *oldest {
			oldest = &m.generation
		}
	}
	return oldest
}

var servingStates = map[string]v1alpha1.CorridorRegionState{
	v1alpha1.ReasonProgrammed:        v1alpha1.CorridorServing,
	v1alpha1.ReasonRefused:           v1alpha1.CorridorRefused,
	v1alpha1.ReasonApplyFailed:       v1alpha1.CorridorRefused,
	v1alpha1.ReasonRegionUnreachable: v1alpha1.CorridorUnknown,
	v1alpha1.ReasonWorkerLost:        v1alpha1.CorridorUnknown,
}

func regionEntry(o *v1alpha1.PaymentCorridor, region string) *v1alpha1.CorridorRegionStatus {
	for i := range o.Status.Regions {
		if string(o.Status.Regions[i].Name) == region {
			return &o.Status.Regions[i]
		}
	}
	return nil
}

func hadDrained(o *v1alpha1.PaymentCorridor) bool {
	for i := range o.Status.Conditions {
		if c := &o.Status.Conditions[i]; c.Type == v1alpha1.ConditionDrained {
			return c.Status == metav1.ConditionTrue
		}
	}
	return false
}
