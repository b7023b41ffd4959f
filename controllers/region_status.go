package controllers

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/fleet"
	"qiantang.dev/rails/internal/render"
)

// regionStatus says of a region whether it is valid, reachable, and what its workers do.
func (s *scope) regionStatus(o *v1alpha1.Region, image string, now metav1.Time) v1alpha1.RegionStatus {
	verdict := s.result.Verdicts[compile.Ref{Kind: compile.KindRegion, Name: o.Name}]
	v := s.views[o.Name]
	c := &conditions{before: o.Status.Conditions, generation: o.Generation, now: now}
	c.verdict(verdict)
	status := v1alpha1.RegionStatus{Effective: o.Status.Effective, Revision: o.Status.Revision}
	if e := verdict.Effective.Region; e != nil {
		status.Effective = *e
		if status.Effective.Image == "" {
			status.Effective.Image = image
		}
	}
	if v.plan != nil && v.failed == nil && v.reach.Connected {
		status.Revision = v.plan.Revision
	}
	if v.reach.Connected {
		c.set(v1alpha1.ConditionReachable, yes(v1alpha1.ReasonRegionReachable, ""))
		status.Workers = v.workerStatuses()
	} else {
		c.set(v1alpha1.ConditionReachable, v.unreachable(c))
		status.Workers = o.Status.Workers
		if !v.reach.LastHeard.IsZero() {
			status.LastHeardTime = metav1.NewTime(v.reach.LastHeard).Rfc3339Copy()
		} else {
			status.LastHeardTime = o.Status.LastHeardTime
		}
	}
	c.set(v1alpha1.ConditionProgrammed, v.programmed(c.wasTrue(v1alpha1.ConditionProgrammed)))
	c.set(v1alpha1.ConditionAvailable, v.available(c.wasTrue(v1alpha1.ConditionAvailable)))
	status.WorkerSummary = workerSummary(status)
	if !o.DeletionTimestamp.IsZero() {
		c.list = append(c.list[:0:0], c.list...)
		users := s.usersOf(o.Name)
		if len(users) > 0 {
			c.set(v1alpha1.ConditionReady, no(v1alpha1.ReasonInUse, "being deleted, and still used by "+enumerate(users)))
		} else {
			c.set(v1alpha1.ConditionReady, no(v1alpha1.ReasonDraining, "being deleted: removing what was applied to its cluster"))
		}
	} else {
		c.ready()
	}
	status.Conditions = c.list
	return status
}

// unreachable says why, and keeps saying it in the same words: the cause of each further attempt may read otherwise.
func (v *view) unreachable(c *conditions) said {
	had, ok := c.had(v1alpha1.ConditionReachable)
	if v.reach.Err == "" {
		if ok {
			return had // Connecting: what was said last stands until it is known better.
		}
		return maybe(v1alpha1.ReasonPending, "connecting")
	}
	if ok && had.Status == metav1.ConditionUnknown && had.Reason == v1alpha1.ReasonRegionUnreachable {
		return had
	}
	return maybe(v1alpha1.ReasonRegionUnreachable, fmt.Sprintf("cannot be reached since %s: %s", when(v.reach.LastHeard), v.reach.Err))
}

// programmed is the region's own: some revision is served by all its workers, and none refuses the newest. That a newer one is on its way
// is said by the corridors that are in it.
func (v *view) programmed(was bool) said {
	if v.plan == nil {
		return no(v1alpha1.ReasonNotServed, "there is no valid configuration to deliver")
	}
	for _, w := range v.workers {
		if w.Live && w.Refused != "" && w.Refused == v.plan.Revision {
			return no(v1alpha1.ReasonRefused, fmt.Sprintf("worker %s: %s", w.Worker, w.Reason))
		}
	}
	if s, ok, retain := v.heard(); !ok {
		if retain && was {
			return yes(v1alpha1.ReasonProgrammed, "")
		}
		return s
	}
	if v.failed != nil {
		return no(reasonOf(v.failed), v.failed.Error())
	}
	if missing, ok := v.live(); !ok {
		return v.unmanned(missing, was)
	}
	for _, w := range v.workers {
		if w.Revision != v.plan.Revision && !was {
			return no(v1alpha1.ReasonPending, "worker "+w.Worker+" does not serve the delivered revision yet")
		}
	}
	return yes(v1alpha1.ReasonProgrammed, "")
}

// available says whether every role has a worker that can work.
func (v *view) available(was bool) said {
	if !v.reach.Connected {
		s, _, retain := v.heard()
		if retain && was {
			return yes(v1alpha1.ReasonAvailable, "")
		}
		return s
	}
	if missing, ok := v.live(); !ok {
		s := v.unmanned(missing, was)
		if s.Status == metav1.ConditionTrue {
			s.Reason = v1alpha1.ReasonAvailable
		}
		return s
	}
	for _, role := range render.Roles() {
		var able bool
		var why string
		for _, w := range v.workers {
			if !w.Live || !slices.Contains(w.Roles, role) {
				continue
			}
			if w.Trouble == "" {
				able = true
				break
			}
			why = fmt.Sprintf("region %s: no %s can work: worker %s: %s", v.name, role, w.Worker, w.Trouble)
		}
		if !able {
			return no(v1alpha1.ReasonWorkersNotReady, why)
		}
	}
	return yes(v1alpha1.ReasonAvailable, "")
}

func (v *view) workerStatuses() []v1alpha1.RegionWorkerStatus {
	var out []v1alpha1.RegionWorkerStatus
	for _, w := range v.workers {
		out = append(out, v.workerStatus(w))
	}
	return out
}

func (v *view) workerStatus(w fleet.Worker) v1alpha1.RegionWorkerStatus {
	s := v1alpha1.RegionWorkerStatus{Name: w.Worker, Roles: w.Roles, State: v1alpha1.WorkerSwitching, Revision: w.Revision}
	switch {
	case !w.Live:
		s.State, s.Message = v1alpha1.WorkerLost, "its heartbeat has stopped"
		s.LastHeardTime = metav1.NewTime(w.LastHeard).Rfc3339Copy()
	case v.plan != nil && w.Refused == v.plan.Revision:
		s.State, s.Message = v1alpha1.WorkerRefused, truncate(w.Reason)
	case v.plan != nil && w.Revision == v.plan.Revision:
		s.State, s.Message = v1alpha1.WorkerServing, truncate(w.Trouble)
	}
	return s
}

// workerSummary is "serving/wanted".
func workerSummary(s v1alpha1.RegionStatus) string {
	serving, wanted := 0, int32(0)
	for _, w := range s.Workers {
		if w.State == v1alpha1.WorkerServing {
			serving++
		}
	}
	if n := s.Effective.RouterReplicas; n != nil {
		wanted += *n
	}
	if n := s.Effective.SettlerReplicas; n != nil {
		wanted += *n
	}
	return fmt.Sprintf("%d/%d", serving, wanted)
}
