package controllers

import (
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/fleet"
	"qiantang.dev/rails/internal/plan"
)

var heardAt = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// planOf has corridor a of a generation and corridor b of generation 1, sealed.
func planOf(t *testing.T, generation int64, draining bool) *plan.Region {
	t.Helper()
	p := &plan.Region{Institution: "demo", Name: "r", Jurisdiction: "CN", Corridors: []plan.Corridor{
		{Name: "a", Generation: generation, Draining: draining}, {Name: "b", Generation: 1},
	}}
	if err := plan.Seal(p); err != nil {
		t.Fatal(err)
	}
	return p
}

// viewOf wants generation 2 of a, and knows generation 1.
func viewOf(t *testing.T, workers ...fleet.Worker) (v *view, older, newer string) {
	t.Helper()
	one, two := planOf(t, 1, false), planOf(t, 2, false)
	h := &history{}
	for _, p := range []*plan.Region{one, two} {
		if err := h.add(p); err != nil {
			t.Fatal(err)
		}
	}
	return &view{
		name: "r", reach: fleet.Reach{Connected: true}, plan: two, desired: h.byRevision[two.Revision], history: h, workers: workers,
	}, one.Revision, two.Revision
}

func serving(name, revision string) fleet.Worker {
	return fleet.Worker{Ack: plan.Ack{Worker: name, Roles: []string{"router", "settler"}, Revision: revision}, Live: true}
}

func TestServes(t *testing.T) {
	_, older, newer := viewOf(t)
	refusing := serving("w", older)
	refusing.Refused, refusing.Reason = newer, "too new"
	silent := serving("w", newer)
	silent.Live, silent.LastHeard = false, heardAt
	router := serving("w", newer)
	router.Roles = []string{"router"}
	a, b := compile.Ref{Kind: compile.KindCorridor, Name: "a"}, compile.Ref{Kind: compile.KindCorridor, Name: "b"}
	tests := map[string]struct {
		ref     compile.Ref
		was     bool
		workers []fleet.Worker
		edit    func(*view)
		want    said
	}{
		"all serve it":                       {a, false, []fleet.Worker{serving("w", newer)}, nil, yes("Programmed", "")},
		"the old one serves the changed":     {a, false, []fleet.Worker{serving("w", older)}, nil, no("Pending", "region r: worker w does not serve it yet")},
		"the old one serves the unchanged":   {b, true, []fleet.Worker{serving("w", older)}, nil, yes("Programmed", "")},
		"one of two does":                    {a, false, []fleet.Worker{serving("v", newer), serving("w", older)}, nil, no("Pending", "region r: worker w does not serve it yet")},
		"refused":                            {a, false, []fleet.Worker{refusing}, nil, no("Refused", "region r: worker w: too new")},
		"refused, but this has not changed":  {b, true, []fleet.Worker{refusing}, nil, yes("Programmed", "")},
		"a worker is lost":                   {a, true, []fleet.Worker{silent}, nil, maybe("WorkerLost", "region r: worker w has not been heard since 2026-11-23T09:00:00Z")},
		"one refuses and another is lost":    {a, true, []fleet.Worker{refusing, silent}, nil, no("Refused", "region r: worker w: too new")},
		"no worker ever":                     {a, false, nil, nil, no("NoWorkers", "region r: no router is heard")},
		"no worker any more":                 {a, true, nil, nil, maybe("WorkerLost", "region r: no router is heard")},
		"a pod is being replaced":            {a, true, nil, func(v *view) { v.manned = true }, yes("Programmed", "")},
		"workers wait for a migration":       {a, false, nil, func(v *view) { v.waiting = "job j" }, no("NoWorkers", "region r: no router is heard: job j")},
		"no settler":                         {a, false, []fleet.Worker{router}, nil, no("NoWorkers", "region r: no settler is heard")},
		"a worker is starting":               {a, true, []fleet.Worker{serving("v", newer), serving("w", "")}, nil, yes("Programmed", "")},
		"a worker is starting with the new":  {a, false, []fleet.Worker{serving("v", newer), serving("w", "")}, nil, no("Pending", "region r: 1 of 2 workers serve it")},
		"the operator was restarted":         {a, true, []fleet.Worker{serving("w", "before-me")}, nil, yes("Programmed", "")},
		"restarted, and never programmed":    {a, false, []fleet.Worker{serving("w", "before-me")}, nil, no("Pending", "region r: 0 of 1 workers serve it")},
		"not given yet":                      {compile.Ref{Kind: compile.KindRail, Name: "x"}, false, []fleet.Worker{serving("w", newer)}, nil, no("Pending", "region r is not given it yet")},
		"could not be delivered":             {a, false, []fleet.Worker{serving("w", older)}, func(v *view) { v.failed = errors.New("quota") }, no("ApplyFailed", "region r: quota")},
		"not delivered, but it is unchanged": {b, true, []fleet.Worker{serving("w", older)}, func(v *view) { v.failed = errors.New("quota") }, yes("Programmed", "")},
		"unreachable":                        {a, true, []fleet.Worker{serving("w", newer)}, func(v *view) { v.reach = fleet.Reach{Err: "cut", LastHeard: heardAt} }, maybe("RegionUnreachable", "region r cannot be reached since 2026-11-23T09:00:00Z")},
		"connecting for the first time":      {a, false, nil, func(v *view) { v.reach = fleet.Reach{} }, maybe("RegionUnreachable", "region r: connecting")},
		"connecting after a restart":         {a, true, nil, func(v *view) { v.reach = fleet.Reach{} }, yes("Programmed", "")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v, _, _ := viewOf(t, tt.workers...)
			if tt.edit != nil {
				tt.edit(v)
			}
			if got := v.serves(tt.ref, tt.was); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDrains(t *testing.T) {
	before, during := planOf(t, 1, false), planOf(t, 1, true)
	h := &history{}
	for _, p := range []*plan.Region{before, during} {
		if err := h.add(p); err != nil {
			t.Fatal(err)
		}
	}
	counting := func(name string, n int64) fleet.Worker {
		w := serving(name, during.Revision)
		w.InFlight = map[string]int64{"a": n}
		return w
	}
	refusing := serving("w", before.Revision)
	refusing.Refused, refusing.Reason = during.Revision, "cannot"
	settling := serving("s", during.Revision)
	settling.Roles = []string{"settler"}
	lost := counting("w", 0)
	lost.Live, lost.LastHeard = false, heardAt
	tests := map[string]struct {
		workers []fleet.Worker
		failed  error
		done    bool
		want    said
	}{
		"nothing under way":     {[]fleet.Worker{counting("v", 0), counting("w", 0)}, nil, true, yes("Drained", "")},
		"the most counts":       {[]fleet.Worker{counting("v", 3), counting("w", 2)}, nil, false, no("Draining", "region r: 3 payments are under way")},
		"one still takes":       {[]fleet.Worker{counting("v", 0), serving("w", before.Revision)}, nil, false, no("Draining", "region r: worker w has not stopped taking payments yet")},
		"a settler counts none": {[]fleet.Worker{counting("v", 0), settling}, nil, true, yes("Drained", "")},
		"settlers alone":        {[]fleet.Worker{settling}, nil, false, no("NoWorkers", "region r: no router is heard that could say whether payments are under way")},
		"one has not counted":   {[]fleet.Worker{serving("w", during.Revision)}, nil, false, no("Draining", "region r: worker w has not counted its payments")},
		"one cannot count":      {[]fleet.Worker{counting("w", -1)}, nil, false, no("Draining", "region r: worker w has not counted its payments")},
		"one refuses":           {[]fleet.Worker{refusing}, nil, false, no("Refused", "region r: worker w: cannot")},
		"one is lost":           {[]fleet.Worker{lost}, nil, false, maybe("WorkerLost", "region r: worker w has not been heard since 2026-11-23T09:00:00Z")},
		"nobody can say":        {nil, nil, false, no("NoWorkers", "region r: no router is heard that could say whether payments are under way")},
		"it was not delivered":  {[]fleet.Worker{counting("w", 0)}, errors.New("quota"), false, no("ApplyFailed", "region r: quota")},
		"an unknown revision":   {[]fleet.Worker{serving("w", "unheard")}, nil, false, no("Draining", "region r: worker w has not stopped taking payments yet")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := &view{name: "r", reach: fleet.Reach{Connected: true}, plan: during, desired: h.byRevision[during.Revision], history: h, workers: tt.workers, failed: tt.failed}
			if got := v.drains("a"); got.done != tt.done || got.said != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAbsent(t *testing.T) {
	v, _, newer := viewOf(t)
	gone := compile.Ref{Kind: compile.KindCorridor, Name: "c"}
	v.workers = []fleet.Worker{serving("w", newer)}
	if !v.absent(gone) {
		t.Error("no worker has it, and it is not absent")
	}
	if v.absent(compile.Ref{Kind: compile.KindCorridor, Name: "a"}) {
		t.Error("a is served, and absent")
	}
	v.workers = append(v.workers, serving("x", "unheard"))
	if v.absent(gone) {
		t.Error("what a worker serves is not known, and yet it is absent")
	}
	v.workers = v.workers[:1]
	v.reach = fleet.Reach{Err: "cut"}
	if v.absent(gone) {
		t.Error("the region cannot be reached, and yet it is absent")
	}
}

func TestWorst(t *testing.T) {
	got := worst([]said{yes("Programmed", ""), maybe("WorkerLost", "one"), no("Pending", "two"), no("Refused", "three")})
	if want := no("Pending", "two; three"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := worst([]said{yes("Programmed", ""), maybe("WorkerLost", "one")}); got != maybe("WorkerLost", "one") {
		t.Errorf("got %+v", got)
	}
}

func TestConditionsKeepTheirTimeWhileTheySayTheSame(t *testing.T) {
	then, now := metav1.NewTime(heardAt), metav1.NewTime(heardAt.Add(time.Hour))
	before := []metav1.Condition{
		{Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionTrue, LastTransitionTime: then, ObservedGeneration: 1},
		{Type: v1alpha1.ConditionProgrammed, Status: metav1.ConditionTrue, LastTransitionTime: then, ObservedGeneration: 1},
	}
	c := &conditions{before: before, generation: 2, now: now}
	if c.wasTrue(v1alpha1.ConditionProgrammed) {
		t.Error("it was true of another generation")
	}
	c.verdict(compile.Verdict{Accepted: compile.Condition{OK: true, Reason: "Accepted"}, ResolvedRefs: compile.Condition{OK: true, Reason: "ResolvedRefs"}})
	c.set(v1alpha1.ConditionProgrammed, no(v1alpha1.ReasonPending, "wait"))
	c.ready()
	if len(c.list) != 4 || c.list[0].LastTransitionTime != then || c.list[2].LastTransitionTime != now {
		t.Errorf("got %+v", c.list)
	}
	if r := c.list[3]; r.Type != v1alpha1.ConditionReady || r.Status != metav1.ConditionFalse || r.Reason != v1alpha1.ReasonPending || r.ObservedGeneration != 2 {
		t.Errorf("Ready is %+v", r)
	}
}

func TestHistoryForgetsWhatNoWorkerServes(t *testing.T) {
	h := &history{}
	first := planOf(t, 0, false)
	for g := range int64(20) {
		if err := h.add(planOf(t, g, false)); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.order) != maxHistory || h.byRevision[first.Revision] != nil {
		t.Errorf("%d revisions are kept", len(h.order))
	}
	// One that comes back is the newest again.
	back := planOf(t, 13, false)
	if err := h.add(back); err != nil {
		t.Fatal(err)
	}
	if err := h.add(planOf(t, 30, false)); err != nil {
		t.Fatal(err)
	}
	if h.byRevision[back.Revision] == nil {
		t.Error("what came back is forgotten as the oldest")
	}
	newest := planOf(t, 30, false).Revision
	h.trim(newest, []fleet.Worker{serving("w", newest), serving("x", back.Revision)})
	if len(h.order) == 1 {
		t.Error("forgot what a worker serves")
	}
	h.trim(newest, []fleet.Worker{serving("w", newest)})
	if len(h.order) != 1 || h.byRevision[newest] == nil {
		t.Errorf("kept %v", h.order)
	}
}

func TestALongMessageIsCutAtACharacter(t *testing.T) {
	long := ""
	for range 600 {
		long += "塘江"
	}
	if got := truncate(long); len(got) > maxMessage+3 || got[len(got)-3:] != "…" {
		t.Errorf("got %d bytes", len(got))
	}
}

func TestUntilNextMonth(t *testing.T) {
	if got := untilNextMonth(time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)); got != time.Hour+time.Second {
		t.Errorf("got %s", got)
	}
	if got := untilNextMonth(heardAt); got != 6*time.Hour {
		t.Errorf("got %s", got)
	}
}
