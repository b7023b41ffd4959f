package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers/envtesting"
	"qiantang.dev/rails/internal/plan"
)

func TestTheSamplesBecomeReady(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.secret("us-east-kubeconfig", map[string]string{"kubeconfig": string(envtesting.Kubeconfig(t, w.beyond, ""))})
	w.secret("pingpong-credentials", map[string]string{"clientId": "a", "appId": "b", "token": "c", "signingKey": "d"})
	w.secret("lianlian-credentials", map[string]string{"developerId": "a", "masterToken": "b", "privateKey": "c"})
	w.secret("antom-credentials", map[string]string{"clientId": "a", "privateKey": "b", "antomPublicKey": "c"})
	w.samples()
	w.local("cn-hangzhou")
	w.local("eu-frankfurt")
	w.worker(w.beyond, "us-east", "us-east-worker-0", envtesting.NewEngine())
	lists := map[client.ObjectList]func() client.Object{
		&v1alpha1.RegionList{}:             func() client.Object { return &v1alpha1.Region{} },
		&v1alpha1.PaymentRailList{}:        func() client.Object { return &v1alpha1.PaymentRail{} },
		&v1alpha1.FXProviderList{}:         func() client.Object { return &v1alpha1.FXProvider{} },
		&v1alpha1.PaymentCorridorList{}:    func() client.Object { return &v1alpha1.PaymentCorridor{} },
		&v1alpha1.SettlementScheduleList{}: func() client.Object { return &v1alpha1.SettlementSchedule{} },
		&v1alpha1.ParticipantList{}:        func() client.Object { return &v1alpha1.Participant{} },
		&v1alpha1.BusinessCalendarList{}:   func() client.Object { return &v1alpha1.BusinessCalendar{} },
	}
	for list, object := range lists {
		for _, name := range w.names(list) {
			w.ready(object(), name)
		}
	}
	var region v1alpha1.Region
	if err := w.get(&region, "us-east"); err != nil {
		t.Fatal(err)
	}
	if region.Status.WorkerSummary != "1/1" || region.Status.Effective.Image != image {
		t.Errorf("status is %+v", region.Status)
	}
}

func TestAnEditIsServedWithoutRestartingPods(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	engine := w.local("home")
	c := &v1alpha1.PaymentCorridor{}
	w.ready(c, "home-corridor")
	before := w.statefulSet("home")
	edit(w, c, "home-corridor", func(c *v1alpha1.PaymentCorridor) { c.Spec.Limits.Max = "5000.00" })
	w.waitFor(c, "home-corridor", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "")
	if got := engine.Serving().Corridors[0]; got.MaxAmount != "5000.00" || got.Generation != c.Generation {
		t.Errorf("Programmed, but served is %+v", got)
	}
	if after := w.statefulSet("home"); after.ResourceVersion != before.ResourceVersion {
		t.Error("the StatefulSet was written")
	}
	if g := c.Status.Regions[0].ServedGeneration; g == nil || *g != c.Generation {
		t.Errorf("servedGeneration is %v", g)
	}
}

func TestADeletedCorridorDrainsFirst(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	engine := w.local("home")
	c := &v1alpha1.PaymentCorridor{}
	w.ready(c, "home-corridor")
	engine.SetInFlight("home-corridor", 2)
	if err := w.hub.Delete(w.ctx(), c); err != nil {
		t.Fatal(err)
	}
	w.waitFor(c, "home-corridor", v1alpha1.ConditionDrained, metav1.ConditionFalse, v1alpha1.ReasonDraining)
	envtesting.Eventually(t, "payments under way are told", func() error {
		if err := w.get(c, "home-corridor"); err != nil {
			return err
		}
		if len(c.Status.Regions) != 1 || c.Status.Regions[0].InFlight == nil || *c.Status.Regions[0].InFlight != 2 {
			return fmt.Errorf("status is %+v", c.Status.Regions)
		}
		return nil
	})
	if got := engine.Serving().Corridors; len(got) != 1 || !got[0].Draining {
		t.Errorf("served is %+v, want it draining", got)
	}
	engine.SetInFlight("home-corridor", 0)
	w.gone(c, "home-corridor")
	if got := engine.Serving().Corridors; len(got) != 0 {
		t.Errorf("let go, but served is %+v", got)
	}
}

func TestPaymentsThatCannotBeCountedHoldADeletedCorridor(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	engine := w.local("home")
	c := &v1alpha1.PaymentCorridor{}
	w.ready(c, "home-corridor")
	engine.SetInFlight("home-corridor", -1)
	if err := w.hub.Delete(w.ctx(), c); err != nil {
		t.Fatal(err)
	}
	envtesting.Eventually(t, "waits for the count", func() error {
		cond := w.cond(c, "home-corridor", v1alpha1.ConditionDrained)
		if want := "region home: worker home-worker-0 has not counted its payments"; cond.Message != want {
			return fmt.Errorf("message is %q", cond.Message)
		}
		return nil
	})
	engine.SetInFlight("home-corridor", 0)
	w.gone(c, "home-corridor")
}

func TestEverythingDeletedAtOnceDrainsFirst(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	engine := w.local("home")
	c, r := &v1alpha1.PaymentCorridor{}, &v1alpha1.Region{}
	w.ready(c, "home-corridor")
	w.ready(r, "home")
	engine.SetInFlight("home-corridor", 1)
	for _, o := range []client.Object{
		&v1alpha1.Region{}, &v1alpha1.PaymentRail{}, &v1alpha1.FXProvider{}, &v1alpha1.SettlementSchedule{}, &v1alpha1.PaymentCorridor{},
	} {
		if err := w.hub.DeleteAllOf(w.ctx(), o, client.InNamespace(w.ns)); err != nil {
			t.Fatal(err)
		}
	}
	w.waitFor(c, "home-corridor", v1alpha1.ConditionDrained, metav1.ConditionFalse, v1alpha1.ReasonDraining)
	w.waitFor(r, "home", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonInUse)
	if got := engine.Serving(); len(got.Rails) != 1 || len(got.Corridors) != 1 {
		t.Errorf("served is %+v: the draining corridor needs its rail", got)
	}
	engine.SetInFlight("home-corridor", 0)
	w.gone(c, "home-corridor")
	w.gone(r, "home")
	var sets appsv1.StatefulSetList
	if err := w.hub.List(w.ctx(), &sets, client.InNamespace(w.ns+"-home")); err != nil || len(sets.Items) != 0 {
		t.Errorf("%d StatefulSets are left (%v)", len(sets.Items), err)
	}
}

func TestARefusedRevisionIsNotProgrammed(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	w.apply(`apiVersion: rails.qiantang.dev/v1alpha1
kind: PaymentCorridor
metadata: {name: other}
spec:
  source: {country: HK, currency: USD}
  destination: {country: CN, currency: CNY}
  regions: [home]
  rails: [{name: cips}]
  providers: [{name: open}]
`)
	engine := w.local("home")
	c, other := &v1alpha1.PaymentCorridor{}, &v1alpha1.PaymentCorridor{}
	w.ready(c, "home-corridor")
	w.ready(other, "other")
	engine.Refuse(errors.New("no such rule"))
	edit(w, c, "home-corridor", func(c *v1alpha1.PaymentCorridor) { c.Spec.Limits.Max = "1.00" })
	got := w.waitFor(c, "home-corridor", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonRefused)
	if want := "region home: worker home-worker-0: no such rule"; got.Message != want {
		t.Errorf("message is %q, want %q", got.Message, want)
	}
	before := other.Status
	if got := w.cond(other, "other", v1alpha1.ConditionProgrammed); got.Status != metav1.ConditionTrue {
		t.Errorf("the corridor that has not changed is %s %s, was %+v", got.Status, got.Reason, before)
	}
	w.waitFor(&v1alpha1.Region{}, "home", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonRefused)
	engine.Refuse(nil)
	w.ready(c, "home-corridor")
	w.ready(&v1alpha1.Region{}, "home")
}

func TestAnInvalidEditLeavesTheLastGoodServed(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	engine := w.local("home")
	c := &v1alpha1.PaymentCorridor{}
	w.ready(c, "home-corridor")
	good := c.Generation
	edit(w, c, "home-corridor", func(c *v1alpha1.PaymentCorridor) { c.Spec.Rails[0].Name = "nowhere" })
	w.waitFor(c, "home-corridor", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonRefNotFound)
	w.waitFor(c, "home-corridor", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonLastGoodServed)
	if got := engine.Serving().Corridors; len(got) != 1 || got[0].Generation != good || got[0].Rails[0] != "cips" {
		t.Errorf("served is %+v", got)
	}
	edit(w, c, "home-corridor", func(c *v1alpha1.PaymentCorridor) { c.Spec.Rails[0].Name = "cips" })
	w.ready(c, "home-corridor")
}

func TestACorridorLeavesARegionDrained(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home", "away")
	home, away := w.local("home"), w.local("away")
	c := &v1alpha1.PaymentCorridor{}
	w.ready(c, "home-corridor")
	w.ready(&v1alpha1.PaymentCorridor{}, "away-corridor")
	home.SetInFlight("home-corridor", 1)
	edit(w, &v1alpha1.PaymentCorridor{}, "away-corridor", func(c *v1alpha1.PaymentCorridor) { c.Spec.Source.Country = "HK" })
	edit(w, c, "home-corridor", func(c *v1alpha1.PaymentCorridor) { c.Spec.Regions = []v1alpha1.ObjectName{"away"} })
	w.ready(c, "home-corridor")
	envtesting.Eventually(t, "it drains in the region that it leaves", func() error {
		if err := w.get(c, "home-corridor"); err != nil {
			return err
		}
		if len(c.Status.Regions) != 2 || c.Status.Regions[1].State != v1alpha1.CorridorDraining {
			return fmt.Errorf("status is %+v", c.Status.Regions)
		}
		return nil
	})
	home.SetInFlight("home-corridor", 0)
	envtesting.Eventually(t, "it has left", func() error {
		if err := w.get(c, "home-corridor"); err != nil {
			return err
		}
		if n := len(home.Serving().Corridors); n != 0 || len(c.Status.Regions) != 1 {
			return fmt.Errorf("%d served, status is %+v", n, c.Status.Regions)
		}
		return nil
	})
	if corridorOf(away.Serving(), "home-corridor") == nil {
		t.Error("it is not served where it went")
	}
}

func corridorOf(p *plan.Region, name string) *plan.Corridor {
	for i := range p.Corridors {
		if p.Corridors[i].Name == name {
			return &p.Corridors[i]
		}
	}
	return nil
}

func (w *world) statefulSet(region string) *appsv1.StatefulSet {
	w.t.Helper()
	set := &appsv1.StatefulSet{}
	if err := w.hub.Get(w.ctx(), client.ObjectKey{Namespace: w.ns + "-" + region, Name: region + "-worker"}, set); err != nil {
		w.t.Fatal(err)
	}
	return set
}

func (w *world) gone(o client.Object, name string) {
	w.t.Helper()
	envtesting.Eventually(w.t, name+" goes", func() error {
		err := w.hub.Get(context.Background(), client.ObjectKey{Namespace: w.ns, Name: name}, o)
		if err == nil {
			return fmt.Errorf("%s is still there: finalizers %v", name, o.GetFinalizers())
		}
		return client.IgnoreNotFound(err)
	})
}

func (w *world) names(list client.ObjectList) []string {
	w.t.Helper()
	if err := w.hub.List(w.ctx(), list, client.InNamespace(w.ns)); err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, o := range objects(w.t, list) {
		out = append(out, o.GetName())
	}
	if len(out) == 0 {
		w.t.Fatalf("%T is empty", list)
	}
	return out
}
