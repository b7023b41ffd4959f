package controllers_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers/envtesting"
)

func TestDriftIsRepaired(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	w.local("home")
	w.ready(&v1alpha1.PaymentCorridor{}, "home-corridor")
	ns := w.ns + "-home"
	for _, o := range []client.Object{
		&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "home-worker"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "qiantang-home-plan"}},
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "home-router"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "qiantang-home-credentials"}},
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "home-worker"}},
	} {
		key := client.ObjectKeyFromObject(o)
		if err := w.hub.Delete(w.ctx(), o); err != nil {
			t.Fatal(err)
		}
		envtesting.Eventually(t, fmt.Sprintf("%T comes back", o), func() error { return w.hub.Get(w.ctx(), key, o) })
	}
	// Changed by another, not only deleted.
	envtesting.Eventually(t, "spoil the index", func() error {
		var cm corev1.ConfigMap
		if err := w.hub.Get(w.ctx(), client.ObjectKey{Namespace: ns, Name: "qiantang-home-plan"}, &cm); err != nil {
			return err
		}
		cm.Data["revision"] = "0000000000000000"
		return w.hub.Update(w.ctx(), &cm)
	})
	envtesting.Eventually(t, "the index is mended", func() error {
		var cm corev1.ConfigMap
		if err := w.hub.Get(w.ctx(), client.ObjectKey{Namespace: ns, Name: "qiantang-home-plan"}, &cm); err != nil {
			return err
		}
		if cm.Data["revision"] == "0000000000000000" {
			return fmt.Errorf("still spoilt")
		}
		return nil
	})
}

func TestAnUnreachableRegionIsUnknownAndFlipsNoOther(t *testing.T) {
	w := newWorld(t)
	proxy := envtesting.NewProxy(t, w.beyond)
	w.operator(operatorOptions{})
	w.secret("far-kubeconfig", map[string]string{"kubeconfig": string(envtesting.Kubeconfig(t, w.beyond, proxy.URL))})
	w.small("home")
	w.apply(strings.ReplaceAll(remoteRegion+"---\n"+corridor, "$REGION", "far"))
	w.local("home")
	far := envtesting.NewEngine()
	w.worker(w.beyond, "far", "far-worker-0", far)
	here, there := &v1alpha1.PaymentCorridor{}, &v1alpha1.PaymentCorridor{}
	w.ready(here, "home-corridor")
	w.ready(there, "far-corridor")
	w.ready(&v1alpha1.Region{}, "far")
	before := here.ResourceVersion

	proxy.Cut()
	got := w.waitFor(there, "far-corridor", v1alpha1.ConditionProgrammed, metav1.ConditionUnknown, v1alpha1.ReasonRegionUnreachable)
	if !strings.Contains(got.Message, "since 20") {
		t.Errorf("message %q does not say since when", got.Message)
	}
	w.waitFor(&v1alpha1.Region{}, "far", v1alpha1.ConditionReachable, metav1.ConditionUnknown, v1alpha1.ReasonRegionUnreachable)
	if err := w.get(here, "home-corridor"); err != nil || here.ResourceVersion != before {
		t.Errorf("the other region's corridor was written: %+v (%v)", here.Status, err)
	}
	// An edit of the other region's corridor does not wait for the one that is away.
	edit(w, here, "home-corridor", func(c *v1alpha1.PaymentCorridor) { c.Spec.Limits.Max = "77.00" })
	w.ready(here, "home-corridor")
	edit(w, there, "far-corridor", func(c *v1alpha1.PaymentCorridor) { c.Spec.Limits.Max = "88.00" })
	w.waitFor(there, "far-corridor", v1alpha1.ConditionProgrammed, metav1.ConditionUnknown, v1alpha1.ReasonRegionUnreachable)

	proxy.Mend()
	w.ready(there, "far-corridor")
	w.ready(&v1alpha1.Region{}, "far")
	if got := far.Serving().Corridors[0].MaxAmount; got != "88.00" {
		t.Errorf("served limit is %s", got)
	}
}

func TestALostWorkerIsUnknown(t *testing.T) {
	w := newWorld(t)
	clock := testclock.NewFakeClock(time.Now())
	w.operator(operatorOptions{clock: clock})
	w.small("home")
	stop := w.worker(w.config, "home", "home-worker-0", envtesting.NewEngine())
	c := &v1alpha1.PaymentCorridor{}
	w.ready(c, "home-corridor")
	stop()
	envtesting.Eventually(t, "the worker is lost", func() error {
		clock.Step(5 * time.Second)
		if got := w.cond(c, "home-corridor", v1alpha1.ConditionProgrammed); got.Status != metav1.ConditionUnknown || got.Reason != v1alpha1.ReasonWorkerLost {
			return fmt.Errorf("is %s %s: %s", got.Status, got.Reason, got.Message)
		}
		return nil
	})
	var region v1alpha1.Region
	envtesting.Eventually(t, "the region names it", func() error {
		if err := w.get(&region, "home"); err != nil {
			return err
		}
		if len(region.Status.Workers) != 1 || region.Status.Workers[0].State != v1alpha1.WorkerLost || region.Status.Workers[0].LastHeardTime.IsZero() {
			return fmt.Errorf("workers are %+v", region.Status.Workers)
		}
		return nil
	})
	w.local("home")
	w.ready(c, "home-corridor")
}

func TestNothingIsWrittenWhenNothingChanges(t *testing.T) {
	w := newWorld(t)
	stop := w.operator(operatorOptions{})
	w.small("home", "away")
	w.local("home")
	w.local("away")
	w.settled("home", "away")
	before := w.versions("home", "away")
	// A new operator looks at everything anew.
	stop()
	w.operator(operatorOptions{})
	probe := &v1alpha1.PaymentRail{} // No corridor uses it, so that no region is given it.
	w.apply("apiVersion: rails.qiantang.dev/v1alpha1\nkind: PaymentRail\nmetadata: {name: probe}\nspec: {system: CIPS, country: CN, currency: CNY, finality: Immediate}\n")
	w.ready(probe, "probe") // It has reconciled.
	edit(w, probe, "probe", func(p *v1alpha1.PaymentRail) { p.Spec.Limits.Max = "5.00" })
	w.ready(probe, "probe") // And again.
	after := w.versions("home", "away")
	for key, version := range before {
		if after[key] != version {
			t.Errorf("%s was written", key)
		}
	}
	for key := range after {
		if _, had := before[key]; !had && !strings.Contains(key, "probe") {
			t.Errorf("%s was made", key)
		}
	}
}

func TestAnOperatorThatWasAwayTakesUpWhatChanged(t *testing.T) {
	w := newWorld(t)
	stop := w.operator(operatorOptions{})
	w.small("home", "away")
	home := w.local("home")
	w.local("away")
	w.settled("home", "away")
	stop()
	c := &v1alpha1.PaymentCorridor{}
	edit(w, c, "away-corridor", func(c *v1alpha1.PaymentCorridor) { c.Spec.Limits.Max = "9.00" })
	home.SetInFlight("home-corridor", 1)
	if err := w.get(c, "home-corridor"); err != nil {
		t.Fatal(err)
	}
	if err := w.hub.Delete(w.ctx(), c); err != nil {
		t.Fatal(err)
	}
	w.operator(operatorOptions{})
	w.ready(&v1alpha1.PaymentCorridor{}, "away-corridor")
	w.waitFor(c, "home-corridor", v1alpha1.ConditionDrained, metav1.ConditionFalse, v1alpha1.ReasonDraining)
	home.SetInFlight("home-corridor", 0)
	w.gone(c, "home-corridor")
}

func TestANamespaceOfSomebodyElseIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	foreign := w.ns + "-foreign"
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: foreign}})
	w.apply(strings.ReplaceAll(smallBase+"---\n"+strings.Replace(localRegion, "jurisdiction: CN", "jurisdiction: CN, namespace: "+foreign, 1), "$REGION", "home"))
	got := w.waitFor(&v1alpha1.Region{}, "home", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonApplyFailed)
	if !strings.Contains(got.Message, "label it so") {
		t.Errorf("message is %q", got.Message)
	}
	var sets appsv1.StatefulSetList
	if err := w.hub.List(w.ctx(), &sets, client.InNamespace(foreign)); err != nil || len(sets.Items) != 0 {
		t.Errorf("%d StatefulSets in it (%v)", len(sets.Items), err)
	}
}

func objects(t *testing.T, list client.ObjectList) []client.Object {
	t.Helper()
	items, err := meta.ExtractList(list)
	if err != nil {
		t.Fatal(err)
	}
	var out []client.Object
	for _, item := range items {
		o, ok := item.(client.Object)
		if !ok {
			t.Fatalf("%T is no object", item)
		}
		out = append(out, o)
	}
	return out
}

// settled waits until the small institution's all is Ready, and nothing is written any more.
func (w *world) settled(regions ...string) {
	w.t.Helper()
	for _, r := range regions {
		w.ready(&v1alpha1.PaymentCorridor{}, r+"-corridor")
		w.ready(&v1alpha1.Region{}, r)
	}
	w.ready(&v1alpha1.SettlementSchedule{}, "daily")
	last := map[string]string{}
	same := 0
	w.within(5*time.Minute, "quiet", func() error {
		now := w.versions(regions...)
		if !maps.Equal(last, now) {
			last, same = now, 0
			return fmt.Errorf("still writing")
		}
		if same++; same < 20 {
			return fmt.Errorf("quiet for %d looks", same)
		}
		return nil
	})
}

// versions are the resource versions of the institution's resources and of all that was applied to its regions, in the hub's cluster.
func (w *world) versions(regions ...string) map[string]string {
	w.t.Helper()
	out := map[string]string{}
	add := func(ns string, lists ...client.ObjectList) {
		for _, list := range lists {
			if err := w.hub.List(w.ctx(), list, client.InNamespace(ns)); err != nil {
				w.t.Fatal(err)
			}
			for _, o := range objects(w.t, list) {
				out[fmt.Sprintf("%T %s", o, client.ObjectKeyFromObject(o))] = o.GetResourceVersion()
			}
		}
	}
	add(w.ns, &v1alpha1.RegionList{}, &v1alpha1.PaymentCorridorList{}, &v1alpha1.PaymentRailList{}, &v1alpha1.FXProviderList{},
		&v1alpha1.SettlementScheduleList{}, &v1alpha1.SettlementRunList{}, &v1alpha1.ParticipantList{})
	for _, r := range slices.Sorted(slices.Values(regions)) {
		add(w.ns+"-"+r, &corev1.ConfigMapList{}, &corev1.SecretList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{},
			&appsv1.StatefulSetList{}, &rbacv1.RoleList{}, &rbacv1.RoleBindingList{})
	}
	return out
}
