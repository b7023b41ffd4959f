package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/fleet"
	"qiantang.dev/rails/internal/plan"
)

// parallel bounds requests at once of one reconcile: ten thousand new corridors are ten thousand statuses.
const parallel = 16

// Reconcile brings one institution up to date. The request's name is not used: the institution is the namespace.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	found, err := r.fetch(ctx, req.Namespace)
	if err != nil {
		return ctrl.Result{}, err
	}
	inst := r.institutions.get(req.Namespace)
	if found.empty() {
		r.forget(inst)
		return ctrl.Result{}, nil
	}
	s := &scope{institution: inst, resources: found, views: map[string]*view{}, failures: map[string]error{}}
	if err := r.reconcile(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: untilNextMonth(found.Now)}, nil
}

// scope is what one reconcile knows.
type scope struct {
	*institution
	*resources
	result compile.Result
	views  map[string]*view
	runs   runs
	// leaving are the regions that are being deleted, and that nothing uses any more.
	leaving map[string]bool
	// programmed and unprogrammed count corridors.
	programmed, unprogrammed int
	// failures of regions, by name, that a retry may mend.
	mu       sync.Mutex
	failures map[string]error
}

// reconcile goes from the outside in and back: reach regions, compile, deliver, see what the workers say, write status. A region that
// fails does not end it; status is written in any case.
func (r *Reconciler) reconcile(ctx context.Context, s *scope) error {
	var err error
	if s.Secrets, err = r.lookUpSecrets(ctx, s.institution, s.ReferredSecrets()); err != nil {
		return err
	}
	r.connectRegions(ctx, s)
	s.result = s.compile(s.resources)
	if err := r.holdBack(ctx, s); err != nil {
		return err
	}
	s.leaving = s.leavingRegions()
	s.collectRuns(ctx)
	r.deliverRegions(ctx, s)
	if err := r.look(ctx, s); err != nil {
		return err
	}
	errs := []error{r.writeStatuses(ctx, s), r.settleRuns(ctx, s), r.letGo(ctx, s)}
	r.metrics.observe(s)
	for name, err := range s.failures {
		if !errors.Is(err, fleet.ErrNotConnected) { // That wakes us by itself.
			errs = append(errs, fmt.Errorf("region %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (s *scope) fail(region string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures[region] = err
}

// connectRegions reaches each region, and reads back from those that are connected what they were last given.
func (r *Reconciler) connectRegions(ctx context.Context, s *scope) {
	for i := range s.Regions {
		s.region(s.Regions[i].Name) // Made here, so that the goroutines below do not write the map.
	}
	var g errgroup.Group
	g.SetLimit(parallel)
	for i := range s.Regions {
		region := &s.Regions[i]
		g.Go(func() error {
			if err := r.connect(ctx, s.institution, region); err != nil {
				s.fail(region.Name, err)
			}
			return nil
		})
	}
	_ = g.Wait() // The functions return no errors.
	s.Last = map[string]*plan.Region{}
	for i := range s.Regions {
		if mem := s.region(s.Regions[i].Name); mem.read {
			s.Last[s.Regions[i].Name] = mem.last
		}
	}
}

// deliverRegions delivers to all regions at once: a slow one holds up no other.
func (r *Reconciler) deliverRegions(ctx context.Context, s *scope) {
	waiting := map[string]string{}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(parallel)
	failed := maps.Clone(s.failures) // Those of before: the goroutines below add theirs.
	for name, rp := range s.result.Regions {
		if failed[name] != nil || s.region(name).handle == nil || s.leaving[name] {
			continue
		}
		g.Go(func() error {
			w, err := r.deliver(ctx, s.institution, name, rp, s.runs.requests[name])
			if err != nil {
				s.fail(name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			waiting[name] = w
			return nil
		})
	}
	_ = g.Wait() // The functions return no errors.
	for i := range s.Regions {
		name := s.Regions[i].Name
		s.views[name] = &view{name: name, waiting: waiting[name]}
	}
}

// look sees what each region's workers say.
func (r *Reconciler) look(ctx context.Context, s *scope) error {
	for name, v := range s.views {
		mem := s.region(name)
		v.history = &mem.history
		v.failed = s.failures[name]
		if rp, ok := s.result.Regions[name]; ok {
			if err := mem.history.add(rp.Plan); err != nil {
				return err
			}
			v.plan, v.desired = rp.Plan, mem.history.byRevision[rp.Plan.Revision]
		}
		if mem.handle == nil {
			v.reach = fleet.Reach{Err: "there is no kubeconfig for it"}
			if v.failed != nil {
				v.reach.Err = v.failed.Error()
			}
			continue
		}
		if v.reach = mem.handle.Reach(); !v.reach.Connected {
			continue
		}
		workers, err := mem.handle.Workers(ctx)
		switch {
		case errors.Is(err, fleet.ErrNotConnected):
			v.reach = mem.handle.Reach()
			continue
		case err != nil:
			return err
		}
		v.workers, v.manned = workers, mem.handle.Manned()
		if v.plan != nil {
			mem.history.trim(v.plan.Revision, workers)
		}
		if errors.Is(v.failed, fleet.ErrNotConnected) {
			v.failed = nil // It has come back since; it wakes us.
		}
	}
	return nil
}

// forget drops what is remembered of an institution without resources.
func (r *Reconciler) forget(inst *institution) {
	for name := range inst.regions {
		r.Fleet.Forget(fleet.Key{Institution: inst.name, Region: name})
	}
	r.metrics.forget(inst.name)
	r.institutions.forget(inst.name)
}

// writeStatuses writes the status of every resource of which something else is to be said than before.
func (r *Reconciler) writeStatuses(ctx context.Context, s *scope) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	now := r.now()
	for i := range s.Corridors {
		o := &s.Corridors[i]
		after := s.corridorStatus(o, now)
		if meta.IsStatusConditionTrue(after.Conditions, v1alpha1.ConditionProgrammed) {
			s.programmed++
		} else {
			s.unprogrammed++
		}
		put(ctx, r, g, o, &o.Status, after, conditionsOfCorridor)
	}
	for i := range s.Regions {
		o := &s.Regions[i]
		put(ctx, r, g, o, &o.Status, s.regionStatus(o, r.WorkerImage, now), conditionsOfRegion)
	}
	for i := range s.Rails {
		o := &s.Rails[i]
		put(ctx, r, g, o, &o.Status, s.memberStatus(compile.KindRail, o, o.Status, now), conditionsOfMember)
	}
	for i := range s.Participants {
		o := &s.Participants[i]
		put(ctx, r, g, o, &o.Status, s.memberStatus(compile.KindParticipant, o, o.Status, now), conditionsOfMember)
	}
	for i := range s.Calendars {
		o := &s.Calendars[i]
		put(ctx, r, g, o, &o.Status, s.memberStatus(compile.KindCalendar, o, o.Status, now), conditionsOfMember)
	}
	for i := range s.Providers {
		o := &s.Providers[i]
		put(ctx, r, g, o, &o.Status, s.providerStatus(o, now), conditionsOfProvider)
	}
	for i := range s.Schedules {
		o := &s.Schedules[i]
		put(ctx, r, g, o, &o.Status, s.scheduleStatus(o, now), conditionsOfSchedule)
	}
	for i := range s.Runs {
		o := &s.Runs[i]
		put(ctx, r, g, o, &o.Status, s.runStatus(o, now), conditionsOfRun)
	}
	return g.Wait()
}

func conditionsOfCorridor(s *v1alpha1.PaymentCorridorStatus) *conditionList    { return &s.Conditions }
func conditionsOfRegion(s *v1alpha1.RegionStatus) *conditionList               { return &s.Conditions }
func conditionsOfMember(s *v1alpha1.MemberStatus) *conditionList               { return &s.Conditions }
func conditionsOfProvider(s *v1alpha1.FXProviderStatus) *conditionList         { return &s.Conditions }
func conditionsOfSchedule(s *v1alpha1.SettlementScheduleStatus) *conditionList { return &s.Conditions }
func conditionsOfRun(s *v1alpha1.SettlementRunStatus) *conditionList           { return &s.Conditions }
