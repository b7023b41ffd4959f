package controllers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers/envtesting"
)

func (w *world) withCredentials() {
	w.t.Helper()
	w.small("home")
	edit(w, &v1alpha1.FXProvider{}, "open", func(p *v1alpha1.FXProvider) { p.Spec.CredentialsSecretRef.Name = "open-credentials" })
}

func TestRotatedCredentialsReachTheWorkers(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.secret("open-credentials", map[string]string{"token": "first-s3cret"})
	w.withCredentials()
	engine := w.local("home")
	w.ready(&v1alpha1.PaymentCorridor{}, "home-corridor")
	has := func(want string) func() error {
		return func() error {
			if got := string(engine.Credentials()["open-credentials"]["token"]); got != want {
				return fmt.Errorf("the worker has %d other credentials", len(engine.Credentials()))
			}
			return nil
		}
	}
	envtesting.Eventually(t, "credentials arrive", has("first-s3cret"))
	set := w.statefulSet("home").ResourceVersion
	var s corev1.Secret
	if err := w.get(&s, "open-credentials"); err != nil {
		t.Fatal(err)
	}
	s.Data["token"] = []byte("second-s3cret")
	if err := w.hub.Update(w.ctx(), &s); err != nil {
		t.Fatal(err)
	}
	envtesting.Eventually(t, "rotated credentials arrive", has("second-s3cret"))
	if w.statefulSet("home").ResourceVersion != set {
		t.Error("the StatefulSet was written")
	}
	w.nowhere("s3cret")
}

// nowhere looks for text wherever a secret must not be.
func (w *world) nowhere(text string) {
	w.t.Helper()
	for _, ns := range []string{w.ns, w.ns + "-home"} {
		for _, list := range []client.ObjectList{
			&corev1.ConfigMapList{}, &eventsv1.EventList{}, &v1alpha1.RegionList{}, &v1alpha1.FXProviderList{}, &v1alpha1.PaymentCorridorList{},
		} {
			if err := w.hub.List(w.ctx(), list, client.InNamespace(ns)); err != nil {
				w.t.Fatal(err)
			}
			raw, err := json.Marshal(list)
			if err != nil {
				w.t.Fatal(err)
			}
			if strings.Contains(string(raw), text) {
				w.t.Errorf("the secret is in a %T", list)
			}
		}
	}
}

func TestAMissingSecretIsSaidAndWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.withCredentials()
	w.local("home")
	p := &v1alpha1.FXProvider{}
	got := w.waitFor(p, "open", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	if !strings.Contains(got.Message, "open-credentials") {
		t.Errorf("message is %q", got.Message)
	}
	w.secret("open-credentials", map[string]string{"token": "x"})
	w.ready(p, "open")
	w.ready(&v1alpha1.PaymentCorridor{}, "home-corridor")
}

func TestAKubeconfigThatRunsCommandsIsRefused(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.secret("far-kubeconfig", map[string]string{"kubeconfig": `{"apiVersion":"v1","kind":"Config","current-context":"c",
"clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1"}}],"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
"users":[{"name":"u","user":{"exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"touch","args":["/tmp/never"],"interactiveMode":"Never"}}}]}`})
	w.apply(strings.ReplaceAll(smallBase+"---\n"+remoteRegion, "$REGION", "far"))
	got := w.waitFor(&v1alpha1.Region{}, "far", v1alpha1.ConditionReachable, metav1.ConditionUnknown, v1alpha1.ReasonRegionUnreachable)
	if !strings.Contains(got.Message, "no commands and no files") {
		t.Errorf("message is %q", got.Message)
	}
}
