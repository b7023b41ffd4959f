package controllers

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
)

// resources are all of one institution, from the cache. They must not be changed.
type resources struct {
	compile.Snapshot
	Runs []v1alpha1.SettlementRun
}

func (s *resources) empty() bool {
	return len(s.Regions)+len(s.Rails)+len(s.Providers)+len(s.Corridors)+len(s.Schedules)+len(s.Participants)+len(s.Calendars)+len(s.Runs) == 0
}

func (r *Reconciler) fetch(ctx context.Context, namespace string) (*resources, error) {
	s := &resources{Snapshot: compile.Snapshot{Institution: namespace, Now: r.Clock.Now()}}
	list := func(into client.ObjectList) error {
		if err := r.Client.List(ctx, into, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("list %T: %w", into, err)
		}
		return nil
	}
	var regions v1alpha1.RegionList
	var rails v1alpha1.PaymentRailList
	var providers v1alpha1.FXProviderList
	var corridors v1alpha1.PaymentCorridorList
	var schedules v1alpha1.SettlementScheduleList
	var participants v1alpha1.ParticipantList
	var calendars v1alpha1.BusinessCalendarList
	var runs v1alpha1.SettlementRunList
	for _, into := range []client.ObjectList{&regions, &rails, &providers, &corridors, &schedules, &participants, &calendars, &runs} {
		if err := list(into); err != nil {
			return nil, err
		}
	}
	s.Regions, s.Rails, s.Providers, s.Corridors = regions.Items, rails.Items, providers.Items, corridors.Items
	s.Schedules, s.Participants, s.Calendars, s.Runs = schedules.Items, participants.Items, calendars.Items, runs.Items
	return s, nil
}

// compile compiles the snapshot, unless it is the one that was compiled last.
func (inst *institution) compile(s *resources) compile.Result {
	inputs := fingerprint(s)
	if inst.inputs == inputs {
		return inst.compiled
	}
	snapshot := s.Snapshot
	snapshot.Regions = held(s.Regions)
	inst.compiled, inst.inputs = compile.Compile(snapshot), inputs
	return inst.compiled
}

// held are the regions as they are compiled: one that is being deleted goes on until nothing needs it any more, so that the corridors
// that are deleted with it can drain.
func held(regions []v1alpha1.Region) []v1alpha1.Region {
	out := slices.Clone(regions)
	for i := range out {
		if slices.Contains(out[i].Finalizers, v1alpha1.FinalizerRegion) && !abandoned(&out[i]) {
			out[i].DeletionTimestamp = nil
		}
	}
	return out
}

// fingerprint is equal where Compile would say the same.
func fingerprint(s *resources) string {
	h := fnv.New128a()
	add := func(parts ...string) {
		_, _ = h.Write([]byte(strings.Join(parts, "\x00") + "\x01")) // A hash takes everything.
	}
	object := func(kind string, o metav1.Object) {
		add(kind, o.GetName(), string(o.GetUID()), fmt.Sprint(o.GetGeneration()), fmt.Sprint(o.GetDeletionTimestamp() != nil))
	}
	add(s.Institution, s.Now.UTC().Format("2006-01"))
	for i := range s.Regions {
		object(compile.KindRegion, &s.Regions[i])
		add(strings.Join(s.Regions[i].Finalizers, ","), fmt.Sprint(abandoned(&s.Regions[i])))
	}
	for i := range s.Rails {
		object(compile.KindRail, &s.Rails[i])
	}
	for i := range s.Providers {
		object(compile.KindProvider, &s.Providers[i])
	}
	for i := range s.Corridors {
		c := &s.Corridors[i]
		object(compile.KindCorridor, c)
		for j := range c.Status.Regions {
			if st := c.Status.Regions[j]; st.State == v1alpha1.CorridorDrained {
				add(string(st.Name), "drained")
			}
		}
		for j := range c.Status.Conditions {
			if cond := &c.Status.Conditions[j]; cond.Type == v1alpha1.ConditionDrained {
				add(string(cond.Status))
			}
		}
	}
	for i := range s.Schedules {
		object(compile.KindSchedule, &s.Schedules[i])
	}
	for i := range s.Participants {
		object(compile.KindParticipant, &s.Participants[i])
	}
	for i := range s.Calendars {
		object(compile.KindCalendar, &s.Calendars[i])
	}
	var rest []string
	for name, keys := range s.Secrets {
		rest = append(rest, "secret "+name+" "+strings.Join(keys, ","))
	}
	for name, last := range s.Last {
		revision := ""
		if last != nil {
			revision = last.Revision
		}
		rest = append(rest, "last "+name+" "+revision)
	}
	slices.Sort(rest)
	add(rest...)
	return string(h.Sum(nil))
}

// untilNextMonth is how long calendars stay as they are compiled, at most a few hours at a time.
func untilNextMonth(now time.Time) time.Duration {
	now = now.UTC()
	next := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 1, 0, time.UTC)
	return min(next.Sub(now), 6*time.Hour)
}
