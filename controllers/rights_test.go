package controllers_test

import (
	"testing"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers/envtesting"
)

// TestTheGrantedRightsSuffice runs the operator with the rights that are generated for it, and a worker as its own ServiceAccount.
func TestTheGrantedRightsSuffice(t *testing.T) {
	w := newWorld(t)
	w.operatorRole()
	w.secret("open-credentials", map[string]string{"token": "x"})
	w.operator(operatorOptions{config: envtesting.User(t, 0, w.ns)})
	w.withCredentials()
	engine := envtesting.NewEngine()
	w.worker(envtesting.ServiceAccount(t, 0, w.ns+"-home", "home-worker"), "home", "home-worker-0", engine)
	w.ready(&v1alpha1.PaymentCorridor{}, "home-corridor")
	w.ready(&v1alpha1.Region{}, "home")
	w.apply(run)
	w.ready(&v1alpha1.SettlementRun{}, "now")
	engine.Report(envtesting.Settled("home-1", "daily"))
	w.ready(&v1alpha1.SettlementRun{}, "home-1")
	c := &v1alpha1.PaymentCorridor{}
	if err := w.get(c, "home-corridor"); err != nil {
		t.Fatal(err)
	}
	if err := w.hub.Delete(w.ctx(), c); err != nil {
		t.Fatal(err)
	}
	w.gone(c, "home-corridor")
	region := &v1alpha1.Region{}
	if err := w.get(region, "home"); err != nil {
		t.Fatal(err)
	}
	if err := w.hub.Delete(w.ctx(), region); err != nil {
		t.Fatal(err)
	}
	w.gone(region, "home")
}
