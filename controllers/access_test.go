package controllers_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers/envtesting"
	"qiantang.dev/rails/internal/agent"
)

// operatorRole grants the operator's generated rights to a user of the world's name.
func (w *world) operatorRole() {
	w.t.Helper()
	raw, err := os.ReadFile("../config/rbac/role.yaml")
	if err != nil {
		w.t.Fatal(err)
	}
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(raw, &role); err != nil {
		w.t.Fatal(err)
	}
	role.Name = w.ns
	w.create(&role)
	w.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.ns},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: w.ns},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: w.ns}},
	})
}

// binding is what lets the home region's workers review tokens.
func (w *world) binding() error {
	return w.hub.Get(w.ctx(), client.ObjectKey{Name: "qiantang:" + w.ns + "-home:home-worker"}, &rbacv1.ClusterRoleBinding{})
}

func (w *world) bound(there bool) {
	w.t.Helper()
	envtesting.Eventually(w.t, fmt.Sprintf("the binding is there: %v", there), func() error {
		err := w.binding()
		switch {
		case there || err != nil && !apierrors.IsNotFound(err):
			return err
		case err == nil:
			return errors.New("it is still there")
		}
		return nil
	})
}

const closed = `apiVersion: rails.qiantang.dev/v1alpha1
kind: Region
metadata: {name: home}
spec:
  jurisdiction: CN
  cluster: {type: Local}
  ledger: {type: Embedded}
  api:
    authentication: [{name: cluster, type: ServiceAccount, serviceAccount: {audience: rails}}]
    clients: [{name: shop, authentication: cluster, subject: "system:serviceaccount:shop:checkout", scopes: ["payments:write"]}]
`

func TestWorkersMayReviewTokensWhereTheRegionWantsIt(t *testing.T) {
	w := newWorld(t)
	w.operatorRole()
	w.operator(operatorOptions{config: envtesting.User(t, 0, w.ns)})
	w.apply(smallBase)
	w.apply(closed)
	w.bound(true)
	as := envtesting.ServiceAccount(t, 0, w.ns+"-home", "home-worker")
	cs, err := kubernetes.NewForConfig(as)
	if err != nil {
		t.Fatal(err)
	}
	envtesting.Eventually(t, "the worker may review", func() error { return agent.Tokens{Client: cs}.Check(t.Context()) })
	engine := envtesting.NewEngine()
	w.worker(as, "home", "home-worker-0", engine)
	region := &v1alpha1.Region{}
	w.ready(region, "home")
	if p := engine.Serving(); p == nil || p.API == nil || len(p.Clients) != 1 {
		t.Errorf("served %+v", p)
	}

	// What somebody removes comes back.
	b := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "qiantang:" + w.ns + "-home:home-worker"}}
	if err := w.hub.Delete(w.ctx(), b); err != nil {
		t.Fatal(err)
	}
	w.bound(true)

	// It goes when it is not wanted any more, and with the region; what is not ours stays.
	foreign := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "foreign-" + w.ns, Labels: map[string]string{
			"app.kubernetes.io/managed-by": "qiantang", "rails.qiantang.dev/institution": w.ns, "rails.qiantang.dev/region": "home",
		}},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
	}
	w.create(foreign)
	edit(w, region, "home", func(r *v1alpha1.Region) { r.Spec.API = v1alpha1.RegionAPI{} })
	w.bound(false)
	edit(w, region, "home", func(r *v1alpha1.Region) {
		r.Spec.API = v1alpha1.RegionAPI{
			Authentication: []v1alpha1.APIAuthentication{{Name: "cluster", Type: v1alpha1.APIAuthenticationServiceAccount,
				ServiceAccount: v1alpha1.APIServiceAccount{Audience: "rails"}}},
			Clients: []v1alpha1.APIClient{{Name: "shop", Authentication: "cluster", Subject: "system:serviceaccount:shop:checkout",
				Scopes: []v1alpha1.APIScope{"payments:read"}}},
		}
	})
	w.bound(true)
	if err := w.hub.Delete(w.ctx(), region); err != nil {
		t.Fatal(err)
	}
	w.gone(region, "home")
	w.bound(false)
	if err := w.hub.Get(w.ctx(), client.ObjectKeyFromObject(foreign), foreign); err != nil {
		t.Errorf("what is not named after the namespace: %v", err)
	}
}

// A kubeconfig may be for one namespace: then the cluster's administrator makes what is outside of it.
func TestAKubeconfigForOneNamespaceIsEnough(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.apply(smallBase)
	ns := w.ns + "-home"
	beyond, err := kubernetes.NewForConfig(w.beyond)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := beyond.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// As the cluster itself would, were all of it here.
	if _, err := beyond.CoreV1().ServiceAccounts(ns).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	user := envtesting.User(t, 1, ns)
	if _, err := beyond.RbacV1().RoleBindings(ns).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "operator"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: ns}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.secret("home-kubeconfig", map[string]string{"kubeconfig": string(envtesting.Kubeconfig(t, user, ""))})
	w.apply(`apiVersion: rails.qiantang.dev/v1alpha1
kind: Region
metadata: {name: home}
spec:
  jurisdiction: US
  cluster: {type: Kubeconfig, kubeconfigSecretRef: {name: home-kubeconfig}}
  ledger: {type: Embedded}
  api:
    authentication: [{name: cluster, type: ServiceAccount, serviceAccount: {audience: rails}}]
    clients: [{name: shop, authentication: cluster, subject: "system:serviceaccount:shop:checkout", scopes: ["payments:write"]}]
`)
	w.worker(w.beyond, "home", "home-worker-0", envtesting.NewEngine())
	w.ready(&v1alpha1.Region{}, "home")
	region := &v1alpha1.Region{}
	if err := w.get(region, "home"); err != nil {
		t.Fatal(err)
	}
	if err := w.hub.Delete(w.ctx(), region); err != nil {
		t.Fatal(err)
	}
	w.gone(region, "home")
}
