package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/fleet"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/render"
)

// keptRuns is how many finished runs that a schedule made are kept, of each schedule in each region. Runs made by hand are kept until
// somebody deletes them.
const keptRuns = 100

// runs are the settlement runs as the regions tell of them.
type runs struct {
	// reported by region and name of the run there.
	reported map[string]map[string]fleet.Run
	// requests are the objects that keep the regions' ConfigMaps about runs: with a request for a run made by hand.
	requests map[string][]*unstructured.Unstructured
}

// runName is a SettlementRun's name in its region: its own, or for one that a schedule made, the settler's.
func runName(o *v1alpha1.SettlementRun) string {
	if name := o.Labels[v1alpha1.LabelRun]; name != "" {
		return name
	}
	return o.Name
}

// scheduled says whether the operator made the resource from a report.
func scheduled(o *v1alpha1.SettlementRun) bool { return o.Labels[v1alpha1.LabelRun] != "" }

// collectRuns sees what settlers have reported, and makes the requests for what was asked for by hand.
func (s *scope) collectRuns(ctx context.Context) {
	s.runs = runs{reported: map[string]map[string]fleet.Run{}, requests: map[string][]*unstructured.Unstructured{}}
	for i := range s.Regions {
		name := s.Regions[i].Name
		mem := s.region(name)
		if mem.handle == nil {
			continue
		}
		found, err := mem.handle.Runs(ctx)
		if err != nil {
			continue // Not connected: what was said of its runs stands.
		}
		byName := make(map[string]fleet.Run, len(found))
		for _, run := range found {
			byName[run.Name] = run
		}
		s.runs.reported[name] = byName
	}
	for i := range s.Runs {
		o := &s.Runs[i]
		region := string(o.Spec.RegionRef.Name)
		rp, ok := s.result.Regions[region]
		known, has := s.runs.reported[region][runName(o)]
		if !ok || !o.DeletionTimestamp.IsZero() || (!has && (scheduled(o) || finished(o) || s.unresolvedRun(o) != nil)) {
			continue
		}
		request := plan.RunRequest{Name: runName(o), Schedule: string(o.Spec.ScheduleRef.Name)}
		object, err := render.RunRequest(s.institution.name, region, rp.Deployment.Namespace, request)
		if err != nil {
			s.fail(region, err)
			continue
		}
		if scheduled(o) && !known.Requested {
			// Nothing is asked; our labels on it say that it belongs to a resource, and goes with it.
			unstructured.RemoveNestedField(object.Object, "data")
		}
		s.runs.requests[region] = append(s.runs.requests[region], object)
	}
}

func finished(o *v1alpha1.SettlementRun) bool { return !o.Status.CompletionTime.IsZero() }

// unresolvedRun says what a run refers to in vain; nil where nothing.
func (s *scope) unresolvedRun(o *v1alpha1.SettlementRun) *said {
	schedule, region := string(o.Spec.ScheduleRef.Name), string(o.Spec.RegionRef.Name)
	bad := func(reason, format string, args ...any) *said {
		out := no(reason, fmt.Sprintf(format, args...))
		return &out
	}
	verdict, exists := s.result.Verdicts[compile.Ref{Kind: compile.KindSchedule, Name: schedule}]
	if !exists {
		return bad(v1alpha1.ReasonRefNotFound, "spec.scheduleRef.name %q: there is no such SettlementSchedule", schedule)
	}
	if _, exists := s.result.Verdicts[compile.Ref{Kind: compile.KindRegion, Name: region}]; !exists {
		return bad(v1alpha1.ReasonRefNotFound, "spec.regionRef.name %q: there is no such Region", region)
	}
	if !slices.Contains(verdict.Regions, region) {
		return bad(v1alpha1.ReasonRefNotAccepted, "spec.scheduleRef.name %q: region %q does not settle by this schedule", schedule, region)
	}
	return nil
}

// settleRuns makes resources of the runs that schedules began, and removes the oldest when there are many.
func (r *Reconciler) settleRuns(ctx context.Context, s *scope) error {
	have := map[string]bool{}
	for i := range s.Runs {
		o := &s.Runs[i]
		have[string(o.Spec.RegionRef.Name)+"/"+runName(o)] = true
	}
	for region, byName := range s.runs.reported {
		for name, run := range byName {
			// One with our labels had a resource, which was deleted: it is about to be pruned.
			if run.Report == nil || run.Managed || have[region+"/"+name] {
				continue
			}
			if err := r.createRun(ctx, s, region, run); err != nil {
				return err
			}
		}
	}
	return r.pruneRuns(ctx, s)
}

func (r *Reconciler) createRun(ctx context.Context, s *scope, region string, run fleet.Run) error {
	o := &v1alpha1.SettlementRun{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.institution.name, Name: run.Name, // Settlers of two regions never choose the same.
			Labels: map[string]string{v1alpha1.LabelRun: run.Name, v1alpha1.LabelSchedule: run.Report.Schedule, v1alpha1.LabelRegion: region},
		},
		Spec: v1alpha1.SettlementRunSpec{
			ScheduleRef: v1alpha1.LocalReference{Name: v1alpha1.ObjectName(run.Report.Schedule)},
			RegionRef:   v1alpha1.LocalReference{Name: v1alpha1.ObjectName(region)},
		},
	}
	for i := range s.Schedules {
		if schedule := &s.Schedules[i]; schedule.Name == run.Report.Schedule {
			o.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(schedule, v1alpha1.GroupVersion.WithKind(compile.KindSchedule))}
		}
	}
	if err := r.Client.Create(ctx, o); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("settlement run %s of region %s: %w", run.Name, region, err)
	}
	return nil
}

// pruneRuns keeps the newest runs that each schedule made.
func (r *Reconciler) pruneRuns(ctx context.Context, s *scope) error {
	done := map[string][]*v1alpha1.SettlementRun{}
	for i := range s.Runs {
		if o := &s.Runs[i]; scheduled(o) && finished(o) && o.DeletionTimestamp.IsZero() {
			key := string(o.Spec.RegionRef.Name) + "/" + string(o.Spec.ScheduleRef.Name)
			done[key] = append(done[key], o)
		}
	}
	for _, list := range done {
		if len(list) <= keptRuns {
			continue
		}
		slices.SortFunc(list, func(a, b *v1alpha1.SettlementRun) int {
			return cmp.Or(a.Status.CompletionTime.Compare(b.Status.CompletionTime.Time), strings.Compare(a.Name, b.Name))
		})
		for _, o := range list[:len(list)-keptRuns] {
			if err := r.Client.Delete(ctx, o.DeepCopy(), client.Preconditions{UID: &o.UID}); client.IgnoreNotFound(err) != nil {
				return fmt.Errorf("settlement run %s: %w", o.Name, err)
			}
		}
	}
	return nil
}
