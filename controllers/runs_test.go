package controllers_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers/envtesting"
)

const run = `apiVersion: rails.qiantang.dev/v1alpha1
kind: SettlementRun
metadata: {name: now}
spec: {scheduleRef: {name: daily}, regionRef: {name: home}}
`

func TestARunByHandIsSettledAndReported(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	w.local("home")
	w.ready(&v1alpha1.SettlementSchedule{}, "daily")
	w.apply(run)
	r := &v1alpha1.SettlementRun{}
	w.ready(r, "now")
	s := r.Status
	if s.Phase != v1alpha1.RunSettled || s.Payments == nil || *s.Payments != 1000 || s.CompletionTime.IsZero() || s.ValueDate != "2026-11-24" {
		t.Errorf("status is %+v", s)
	}
	if len(s.Currencies) != 1 || s.Currencies[0].Net != "250.00" || *s.Currencies[0].EfficiencyBasisPoints != 7500 {
		t.Errorf("currencies are %+v", s.Currencies)
	}
	if len(s.Instructions) != 1 || s.Instructions[0].State != "Accepted" {
		t.Errorf("instructions are %+v", s.Instructions)
	}
	schedule := &v1alpha1.SettlementSchedule{}
	envtesting.Eventually(t, "the schedule names its last run", func() error {
		if err := w.get(schedule, "daily"); err != nil || schedule.Status.LastRun != "now" {
			return fmt.Errorf("lastRun is %q (%w)", schedule.Status.LastRun, err)
		}
		return nil
	})
	// Its ConfigMap goes with it.
	if err := w.hub.Delete(w.ctx(), r); err != nil {
		t.Fatal(err)
	}
	w.noConfigMap("qiantang-run-now")
}

func TestAScheduledRunBecomesAResourceAndStaysDeleted(t *testing.T) {
	w := newWorld(t)
	stop := w.operator(operatorOptions{})
	w.small("home")
	engine := w.local("home")
	w.ready(&v1alpha1.SettlementSchedule{}, "daily")
	engine.Report(envtesting.Settled("daily-20261123-1700", "daily"))
	r := &v1alpha1.SettlementRun{}
	name := "daily-20261123-1700"
	w.ready(r, name)
	if len(r.OwnerReferences) != 1 || r.OwnerReferences[0].Name != "daily" {
		t.Errorf("owners are %+v", r.OwnerReferences)
	}
	envtesting.Eventually(t, "the report belongs to the resource", func() error {
		var cm corev1.ConfigMap
		if err := w.hub.Get(w.ctx(), client.ObjectKey{Namespace: w.ns + "-home", Name: "qiantang-run-daily-20261123-1700"}, &cm); err != nil {
			return err
		}
		if cm.Labels["app.kubernetes.io/managed-by"] == "" || cm.Data["report"] == "" || cm.Data["request"] != "" {
			return fmt.Errorf("is %+v", cm)
		}
		return nil
	})
	if err := w.hub.Delete(w.ctx(), r); err != nil {
		t.Fatal(err)
	}
	w.noConfigMap("qiantang-run-daily-20261123-1700")
	// Neither the agent's next report nor a new operator brings it back.
	stop()
	w.operator(operatorOptions{})
	engine.Report(envtesting.Settled("daily-20261124-1700", "daily"))
	w.ready(&v1alpha1.SettlementRun{}, "daily-20261124-1700")
	if err := w.get(r, name); client.IgnoreNotFound(err) != nil || err == nil {
		t.Errorf("it came back (%v)", err)
	}
}

func TestARunUnderWaySaysHowFarItIs(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	engine := w.local("home")
	w.ready(&v1alpha1.SettlementSchedule{}, "daily")
	report := envtesting.Settled("home-1", "daily")
	report.Completed, report.Phase = nil, "Delivering"
	engine.Report(report)
	r := &v1alpha1.SettlementRun{}
	w.waitFor(r, "home-1", v1alpha1.ConditionComplete, metav1.ConditionFalse, v1alpha1.ReasonInProgress)
	failed := time.Now()
	report.Completed, report.Phase, report.Message = &failed, "Failed", "net debit cap of pingpong"
	report.Breaks = []string{"M1: rejected"}
	engine.Report(report)
	w.waitFor(r, "home-1", v1alpha1.ConditionComplete, metav1.ConditionTrue, v1alpha1.ReasonFailed)
	got := w.waitFor(r, "home-1", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonFailed)
	if got.Message != "net debit cap of pingpong" || len(r.Status.Breaks) != 1 {
		t.Errorf("%+v, %+v", got, r.Status)
	}
}

func TestARunOfAnUnknownScheduleSaysSo(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.small("home")
	w.apply("apiVersion: rails.qiantang.dev/v1alpha1\nkind: SettlementRun\nmetadata: {name: lost}\nspec: {scheduleRef: {name: weekly}, regionRef: {name: home}}\n")
	got := w.waitFor(&v1alpha1.SettlementRun{}, "lost", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonRefNotFound)
	if got.Message != `spec.scheduleRef.name "weekly": there is no such SettlementSchedule` {
		t.Errorf("message is %q", got.Message)
	}
}

func (w *world) noConfigMap(name string) {
	w.t.Helper()
	envtesting.Eventually(w.t, name+" goes", func() error {
		err := w.hub.Get(w.ctx(), client.ObjectKey{Namespace: w.ns + "-home", Name: name}, &corev1.ConfigMap{})
		if err == nil {
			return fmt.Errorf("it is still there")
		}
		return client.IgnoreNotFound(err)
	})
}
