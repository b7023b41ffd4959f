package controllers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/fleet"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/render"
)

// view is what is known of one region when statuses are written.
type view struct {
	name  string
	reach fleet.Reach
	// plan is what the region should serve; nil where there is nothing to deliver (the Region is not valid).
	plan    *plan.Region
	desired contents
	history *history
	workers []fleet.Worker
	// manned says that every role is played, or was so lately: a pod that is replaced is no news.
	manned bool
	// failed is why the plan could not be delivered; nil when it was.
	failed error
	// waiting says what the workers wait for before they are started; empty where nothing.
	waiting string
}

// heard says whether all of the region's workers can be heard; if not, that is all that can be said of whatever they serve. retain
// asks to leave what was said before, because the question is still being asked.
func (v *view) heard() (s said, ok, retain bool) {
	if !v.reach.Connected {
		if v.reach.Err == "" {
			return maybe(v1alpha1.ReasonRegionUnreachable, "region "+v.name+": connecting"), false, true
		}
		return maybe(v1alpha1.ReasonRegionUnreachable, fmt.Sprintf("region %s cannot be reached since %s", v.name, when(v.reach.LastHeard))), false, false
	}
	for _, w := range v.workers {
		if !w.Live {
			return maybe(v1alpha1.ReasonWorkerLost,
				fmt.Sprintf("region %s: worker %s has not been heard since %s", v.name, w.Worker, when(w.LastHeard))), false, false
		}
	}
	return said{}, true, false
}

func when(t time.Time) string {
	if t.IsZero() {
		return "the operator started"
	}
	return t.UTC().Format(time.RFC3339)
}

// live says whether every role is played by a worker that is heard.
func (v *view) live() (missing string, ok bool) {
	for _, role := range render.Roles() {
		if !slices.ContainsFunc(v.workers, func(w fleet.Worker) bool { return w.Live && slices.Contains(w.Roles, role) }) {
			return role, false
		}
	}
	return "", true
}

// serves says whether the region's workers serve ref as the plan has it. was says that they did so when last asked.
//
// One worker's refusal is a No, whatever cannot be heard of the others. A worker that is starting, or whose revision the operator has
// not seen (it was restarted), gives no new answer: then the last one stands.
func (v *view) serves(ref compile.Ref, was bool) said {
	want, wanted := v.desired[ref]
	if !wanted {
		return no(v1alpha1.ReasonPending, "region "+v.name+" is not given it yet")
	}
	served, silent, pending := 0, 0, ""
	for _, w := range v.workers {
		have, known := v.history.byRevision[w.Revision]
		got, has := have[ref]
		switch {
		case known && has && got.hash == want.hash:
			served++
		case w.Live && w.Refused != "" && w.Refused == v.plan.Revision:
			return no(v1alpha1.ReasonRefused, fmt.Sprintf("region %s: worker %s: %s", v.name, w.Worker, w.Reason))
		case !known:
			silent++
		default:
			pending = w.Worker
		}
	}
	if s, ok, retain := v.heard(); !ok {
		if retain && was {
			return yes(v1alpha1.ReasonProgrammed, "")
		}
		return s
	}
	if v.failed != nil && (pending != "" || served == 0) {
		return no(reasonOf(v.failed), fmt.Sprintf("region %s: %s", v.name, v.failed))
	}
	if missing, ok := v.live(); !ok {
		return v.unmanned(missing, was)
	}
	switch {
	case pending != "":
		return no(v1alpha1.ReasonPending, fmt.Sprintf("region %s: worker %s does not serve it yet", v.name, pending))
	case silent > 0 && !was:
		return no(v1alpha1.ReasonPending, fmt.Sprintf("region %s: %d of %d workers serve it", v.name, served, len(v.workers)))
	}
	return yes(v1alpha1.ReasonProgrammed, "")
}

func (v *view) unmanned(role string, was bool) said {
	text := fmt.Sprintf("region %s: no %s is heard", v.name, role)
	if v.waiting != "" {
		text += ": " + v.waiting
	}
	switch {
	case was && v.manned:
		return yes(v1alpha1.ReasonProgrammed, "")
	case was:
		return maybe(v1alpha1.ReasonWorkerLost, text)
	}
	return no(v1alpha1.ReasonNoWorkers, text)
}

// absent says whether every worker serves a known revision without ref. A region without workers serves nothing.
func (v *view) absent(ref compile.Ref) bool {
	if !v.reach.Connected || v.failed != nil {
		return false
	}
	if _, still := v.desired[ref]; still {
		return false
	}
	for _, w := range v.workers {
		have, known := v.history.byRevision[w.Revision]
		if _, has := have[ref]; has || !known || !w.Live {
			return false
		}
	}
	return true
}

// drain is how far a draining corridor is in the region: which worker it waits for, and how many payments are under way.
type drain struct {
	done     bool
	inFlight *int64
	said     said
}

func (v *view) drains(name string) drain {
	ref := compile.Ref{Kind: compile.KindCorridor, Name: name}
	waits := func(s said) drain { return drain{said: s} }
	if s, ok, _ := v.heard(); !ok {
		return waits(s)
	}
	if v.failed != nil {
		return waits(no(v1alpha1.ReasonApplyFailed, fmt.Sprintf("region %s: %s", v.name, v.failed)))
	}
	var most int64
	counted := false
	for _, w := range v.workers {
		got, has := v.history.byRevision[w.Revision][ref]
		if !has || !got.draining {
			if w.Refused != "" && w.Refused == v.plan.Revision {
				return waits(no(v1alpha1.ReasonRefused, fmt.Sprintf("region %s: worker %s: %s", v.name, w.Worker, w.Reason)))
			}
			return waits(no(v1alpha1.ReasonDraining, fmt.Sprintf("region %s: worker %s has not stopped taking payments yet", v.name, w.Worker)))
		}
		if !slices.Contains(w.Roles, render.RoleRouter) {
			continue // A settler takes no payments, and counts none.
		}
		n, known := w.InFlight[name]
		if !known || n < 0 {
			return waits(no(v1alpha1.ReasonDraining, fmt.Sprintf("region %s: worker %s has not counted its payments", v.name, w.Worker)))
		}
		most = max(most, n) // Workers share one ledger, so each counts all.
		counted = true
	}
	if !counted {
		return waits(no(v1alpha1.ReasonNoWorkers, fmt.Sprintf("region %s: no router is heard that could say whether payments are under way", v.name)))
	}
	d := drain{done: most == 0, inFlight: &most, said: yes(v1alpha1.ReasonDrained, "")}
	if most > 0 {
		d.said = no(v1alpha1.ReasonDraining, fmt.Sprintf("region %s: %d payments are under way", v.name, most))
	}
	return d
}

// worst combines what regions say: any No, else any Unknown, else Yes. Messages of the same weight are joined.
func worst(all []said) said {
	rank := map[string]int{"False": 2, "Unknown": 1, "True": 0}
	var out said
	var texts []string
	for i, s := range all {
		switch {
		case i == 0 || rank[string(s.Status)] > rank[string(out.Status)]:
			out, texts = s, nil
			fallthrough
		case s.Status == out.Status:
			if s.Message != "" {
				texts = append(texts, s.Message)
			}
		}
	}
	out.Message = strings.Join(texts, "; ")
	return out
}
