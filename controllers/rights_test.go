package controllers_test

import (
	"os"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers/envtesting"
)

// TestTheGrantedRightsSuffice runs the operator with the rights that are generated for it, and a worker as its own ServiceAccount.
func TestTheGrantedRightsSuffice(t *testing.T) {
	w := newWorld(t)
	raw, err := os.ReadFile("../config/rbac/role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(raw, &role); err != nil {
		t.Fatal(err)
	}
	role.Name = w.ns
	w.create(&role)
	w.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.ns},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: w.ns},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: w.ns}},
	})
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
