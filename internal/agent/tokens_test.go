package agent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"qiantang.dev/rails/controllers/envtesting"
	"qiantang.dev/rails/internal/access"
	"qiantang.dev/rails/internal/agent"
)

func TestTheAPIServerReviewsTokens(t *testing.T) {
	p := newPlace(t)
	accounts := p.client.CoreV1().ServiceAccounts(p.ns)
	for _, name := range []string{"shop", "worker"} {
		if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	token := func(audiences ...string) string {
		t.Helper()
		r, err := accounts.CreateToken(t.Context(), "shop", &authenticationv1.TokenRequest{
			Spec: authenticationv1.TokenRequestSpec{Audiences: audiences},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Status.Token
	}
	worker, err := kubernetes.NewForConfig(envtesting.ServiceAccount(t, 0, p.ns, "worker"))
	if err != nil {
		t.Fatal(err)
	}
	tokens := agent.Tokens{Client: worker}
	if err := tokens.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "system:auth-delegator") {
		t.Fatalf("without the right: %v", err)
	}
	if _, err := tokens.Review(t.Context(), token("rails"), "rails"); err == nil || errors.As(err, new(*access.Refused)) {
		t.Fatalf("without the right a review says %v", err)
	}
	_, err = p.client.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "qiantang:" + p.ns + ":worker"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: p.ns, Name: "worker"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	envtesting.Eventually(t, "the right is granted", func() error { return tokens.Check(t.Context()) })

	good := token("rails", "mail")
	subject, err := tokens.Review(t.Context(), good, "rails")
	if want := "system:serviceaccount:" + p.ns + ":shop"; err != nil || subject != want {
		t.Errorf("got %q, %v, want %q", subject, err, want)
	}
	for name, c := range map[string]struct{ token, says string }{
		"for others":         {token("mail"), "not good"},
		"for the API server": {token(), "not good"},
		"tampered with":      {good[:len(good)-4] + "AAAA", "not good"},
		"nonsense":           {"a.b.c", "not good"},
	} {
		var refused *access.Refused
		if subject, err := tokens.Review(t.Context(), c.token, "rails"); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %q, %v", name, subject, err)
		}
	}

	// A token lives no longer than its ServiceAccount.
	if err := accounts.Delete(t.Context(), "shop", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	envtesting.EventuallyWithin(t, 2*time.Minute, "the token of a ServiceAccount that is gone is refused", func() error {
		_, err := tokens.Review(t.Context(), good, "rails")
		if errors.As(err, new(*access.Refused)) {
			return nil
		}
		return errors.New("it is still good")
	})
}
