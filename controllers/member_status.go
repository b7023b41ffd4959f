package controllers

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
)

// member sets the conditions of what corridors use, and gives the regions that it is in. Programmed is not said of what nothing uses:
// no worker could ever say so, and yet all is well.
func (s *scope) member(kind string, o metav1.Object, before []metav1.Condition, now metav1.Time) (compile.Verdict, []metav1.Condition, []v1alpha1.ObjectName) {
	ref := compile.Ref{Kind: kind, Name: o.GetName()}
	verdict := s.result.Verdicts[ref]
	c := &conditions{before: before, generation: o.GetGeneration(), now: now}
	c.verdict(verdict)
	var regions []v1alpha1.ObjectName
	var programmed []said
	for _, name := range verdict.Regions {
		regions = append(regions, v1alpha1.ObjectName(name))
		if v := s.views[name]; v != nil && kind != compile.KindCalendar {
			programmed = append(programmed, v.serves(ref, c.wasTrue(v1alpha1.ConditionProgrammed)))
		}
	}
	switch {
	case len(verdict.LastGood) > 0:
		c.set(v1alpha1.ConditionProgrammed, no(v1alpha1.ReasonLastGoodServed, "workers serve an older generation: this one is not valid, or a corridor needs the older"))
	case len(programmed) > 0:
		c.set(v1alpha1.ConditionProgrammed, worst(programmed))
	}
	c.ready()
	return verdict, c.list, regions
}

func (s *scope) memberStatus(kind string, o metav1.Object, before v1alpha1.MemberStatus, now metav1.Time) v1alpha1.MemberStatus {
	_, list, regions := s.member(kind, o, before.Conditions, now)
	return v1alpha1.MemberStatus{Conditions: list, Regions: regions}
}

func (s *scope) providerStatus(o *v1alpha1.FXProvider, now metav1.Time) v1alpha1.FXProviderStatus {
	verdict, list, regions := s.member(compile.KindProvider, o, o.Status.Conditions, now)
	status := v1alpha1.FXProviderStatus{Conditions: list, Regions: regions, Effective: o.Status.Effective}
	if e := verdict.Effective.Provider; e != nil {
		status.Effective = *e
	}
	return status
}

func (s *scope) scheduleStatus(o *v1alpha1.SettlementSchedule, now metav1.Time) v1alpha1.SettlementScheduleStatus {
	verdict, list, regions := s.member(compile.KindSchedule, o, o.Status.Conditions, now)
	status := v1alpha1.SettlementScheduleStatus{Conditions: list, Regions: regions, Effective: o.Status.Effective, LastRun: s.lastRun(o)}
	if e := verdict.Effective.Schedule; e != nil {
		status.Effective = *e
	}
	return status
}

// lastRun is the schedule's run that ended last.
func (s *scope) lastRun(o *v1alpha1.SettlementSchedule) v1alpha1.ObjectName {
	last := o.Status.LastRun
	var newest metav1.Time
	for i := range s.Runs {
		run := &s.Runs[i]
		if string(run.Spec.ScheduleRef.Name) == o.Name && run.Status.CompletionTime.After(newest.Time) {
			newest, last = run.Status.CompletionTime, v1alpha1.ObjectName(run.Name)
		}
	}
	return last
}
