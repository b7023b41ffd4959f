package controllers

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/plan"
)

// What a run's status holds at most, as its schema says.
const (
	maxInstructions = 500
	maxBreaks       = 100
)

// runStatus says of a settlement run what its settler reported.
func (s *scope) runStatus(o *v1alpha1.SettlementRun, now metav1.Time) v1alpha1.SettlementRunStatus {
	status := *o.Status.DeepCopy()
	run, known := s.runs.reported[string(o.Spec.RegionRef.Name)][runName(o)]
	if known && run.Report != nil {
		reported(&status, run.Report)
	}
	if status.Phase == "" {
		status.Phase = v1alpha1.RunPending
	}
	c := &conditions{before: o.Status.Conditions, generation: o.Generation, now: now}
	c.set(v1alpha1.ConditionAccepted, yes(v1alpha1.ReasonAccepted, ""))
	begun := status.Phase != v1alpha1.RunPending
	unresolved := s.unresolvedRun(o)
	if unresolved != nil && !begun {
		c.set(v1alpha1.ConditionResolvedRefs, *unresolved)
	} else {
		c.set(v1alpha1.ConditionResolvedRefs, yes(v1alpha1.ReasonResolvedRefs, ""))
	}
	switch {
	case !status.CompletionTime.IsZero() && status.Phase == v1alpha1.RunFailed:
		c.set(v1alpha1.ConditionComplete, yes(v1alpha1.ReasonFailed, status.Message))
		c.set(v1alpha1.ConditionReady, no(v1alpha1.ReasonFailed, status.Message))
	case !status.CompletionTime.IsZero():
		c.set(v1alpha1.ConditionComplete, yes(v1alpha1.ReasonSettled, status.Message))
		c.set(v1alpha1.ConditionReady, yes(v1alpha1.ReasonSettled, status.Message))
	case begun:
		c.set(v1alpha1.ConditionComplete, no(v1alpha1.ReasonInProgress, string(status.Phase)))
		c.ready()
	default:
		c.set(v1alpha1.ConditionComplete, no(v1alpha1.ReasonRequested, status.Message))
		c.ready()
	}
	status.Conditions = c.list
	return status
}

// reported copies a report, as far as a status takes it.
func reported(status *v1alpha1.SettlementRunStatus, r *plan.RunReport) {
	status.Phase = v1alpha1.RunPhase(r.Phase)
	status.Message = truncate(r.Message)
	status.Window = r.Window
	status.OpenedTime, status.ClosedTime = stamp(r.Opened), stamp(r.Closed)
	status.CompletionTime = metav1.Time{}
	if r.Completed != nil {
		status.CompletionTime = stamp(*r.Completed)
	}
	status.ValueDate = v1alpha1.Date(r.ValueDate)
	payments, count := r.Payments, int64(len(r.Instructions))
	status.Payments, status.InstructionCount = &payments, &count
	status.Currencies, status.Instructions, status.Breaks = nil, nil, nil
	for _, sum := range r.Currencies {
		saved := sum.EfficiencyBps
		status.Currencies = append(status.Currencies, v1alpha1.RunCurrency{
			Currency: v1alpha1.CurrencyCode(sum.Currency), Gross: v1alpha1.RunAmount(sum.Gross), Net: v1alpha1.RunAmount(sum.Net),
			EfficiencyBasisPoints: &saved,
		})
	}
	seen := map[string]bool{}
	for _, i := range r.Instructions {
		if seen[i.MessageID] || len(status.Instructions) == maxInstructions {
			continue
		}
		seen[i.MessageID] = true
		status.Instructions = append(status.Instructions, v1alpha1.RunInstruction{
			MessageID: i.MessageID, Payer: v1alpha1.ObjectName(i.Payer), Currency: v1alpha1.CurrencyCode(i.Currency),
			Amount: v1alpha1.RunAmount(i.Amount), File: i.File, State: i.Status,
		})
	}
	for _, b := range r.Breaks {
		if len(status.Breaks) < maxBreaks {
			status.Breaks = append(status.Breaks, truncate(b))
		}
	}
}

func stamp(t time.Time) metav1.Time {
	if t.IsZero() {
		return metav1.Time{}
	}
	return metav1.NewTime(t).Rfc3339Copy()
}
