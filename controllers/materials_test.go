package controllers_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers/envtesting"
	"qiantang.dev/rails/internal/plan"
)

const overTLS = `apiVersion: rails.qiantang.dev/v1alpha1
kind: Region
metadata: {name: home}
spec:
  jurisdiction: CN
  cluster: {type: Local}
  ledger: {type: Embedded}
  webhooks: [{name: shop, url: "https://shop.example/hook", secretRef: {name: shop-hook}}]
  api:
    tls: {secretRef: {name: home-tls}}
    authentication: [{name: mesh, type: ClientCertificate, clientCertificate: {caSecretRef: {name: mesh-ca}}}]
    clients: [{name: shop, authentication: mesh, subject: "spiffe://bank/shop", scopes: ["payments:write"]}]
`

func (w *world) writeSecret(name string, data map[string]string) {
	w.t.Helper()
	edit(w, &corev1.Secret{}, name, func(s *corev1.Secret) {
		s.Data, s.StringData = nil, data
	})
}

func TestKeyPairAndAuthoritiesOfAnAPIReachTheWorkers(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.apply(smallBase)
	w.apply(overTLS)
	w.apply(strings.ReplaceAll(corridor, "$REGION", "home"))
	engine := w.local("home")
	region := &v1alpha1.Region{}
	got := w.waitFor(region, "home", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	for _, name := range []string{"home-tls", "mesh-ca", "shop-hook"} {
		if !strings.Contains(got.Message, name) {
			t.Errorf("%q does not name %s", got.Message, name)
		}
	}
	w.secret("shop-hook", map[string]string{"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
	w.secret("home-tls", map[string]string{"tls.crt": "first certificate", "tls.key": "first s3cret", "ca.crt": "not asked for"})
	// As cert-manager keeps a certificate authority: with the key that must not leave the hub.
	w.secret("mesh-ca", map[string]string{"ca.crt": "authority", "tls.crt": "authority", "tls.key": "authority's s3cret"})
	w.ready(region, "home")
	has := func(certificate string) func() error {
		return func() error {
			m := engine.Credentials()[plan.APIMaterial]
			if keys := slices.Sorted(maps.Keys(m)); !slices.Equal(keys, []string{"ca.mesh", "tls.crt", "tls.key"}) {
				return fmt.Errorf("the worker has keys %q", keys)
			}
			if string(m["tls.crt"]) != certificate || string(m["ca.mesh"]) != "authority" {
				return fmt.Errorf("the worker has %q of %q", m["tls.crt"], m["ca.mesh"])
			}
			return nil
		}
	}
	envtesting.Eventually(t, "the key pair arrives", has("first certificate"))
	if p := engine.Serving(); !p.API.TLS || p.API.Authentication[0].SubjectFrom != plan.CertificateURI {
		t.Errorf("served %+v", p.API)
	}
	set := w.statefulSet("home").ResourceVersion
	w.writeSecret("home-tls", map[string]string{"tls.crt": "second certificate", "tls.key": "second s3cret"})
	envtesting.Eventually(t, "the renewed key pair arrives", has("second certificate"))
	if w.statefulSet("home").ResourceVersion != set {
		t.Error("the StatefulSet was written")
	}

	// A worker that cannot take it says so, and the Region shows it.
	engine.Refuse(errors.New("access: tls: tls.crt and tls.key are no key pair"))
	w.writeSecret("home-tls", map[string]string{"tls.crt": "third certificate", "tls.key": "s3cret of another"})
	said := w.waitFor(region, "home", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRefused)
	if !strings.Contains(said.Message, "no key pair") {
		t.Errorf("message is %q", said.Message)
	}
	engine.Refuse(nil)
	w.writeSecret("home-tls", map[string]string{"tls.crt": "fourth certificate", "tls.key": "fourth s3cret"})
	envtesting.Eventually(t, "the mended key pair arrives", has("fourth certificate"))
	w.ready(region, "home")
	w.nowhere("s3cret")
}

func TestASecretThatIsGoneLeavesItsLastContentSoThatCorridorsDrain(t *testing.T) {
	w := newWorld(t)
	stop := w.operator(operatorOptions{})
	w.secret("open-credentials", map[string]string{"token": "s3cret"})
	w.withCredentials()
	engine := w.local("home")
	w.ready(&v1alpha1.PaymentCorridor{}, "home-corridor")
	delivered := func() error {
		var s corev1.Secret
		if err := w.hub.Get(w.ctx(), client.ObjectKey{Namespace: w.ns + "-home", Name: "qiantang-home-credentials"}, &s); err != nil {
			return err
		}
		if string(s.Data["open-credentials.token"]) != "s3cret" || string(engine.Credentials()["open-credentials"]["token"]) != "s3cret" {
			return errors.New("the credentials are not what they were")
		}
		return nil
	}
	if err := delivered(); err != nil {
		t.Fatal(err)
	}
	engine.SetInFlight("home-corridor", 1)
	var s corev1.Secret
	if err := w.get(&s, "open-credentials"); err != nil {
		t.Fatal(err)
	}
	if err := w.hub.Delete(w.ctx(), &s); err != nil {
		t.Fatal(err)
	}
	w.waitFor(&v1alpha1.FXProvider{}, "open", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	if err := delivered(); err != nil {
		t.Error(err)
	}
	// An operator that never saw the Secret leaves it too.
	stop()
	w.operator(operatorOptions{})
	c := &v1alpha1.PaymentCorridor{}
	if err := w.get(c, "home-corridor"); err != nil {
		t.Fatal(err)
	}
	for _, o := range []client.Object{c, &v1alpha1.Region{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "home"}}} {
		if err := w.hub.Delete(w.ctx(), o); err != nil {
			t.Fatal(err)
		}
	}
	envtesting.Eventually(t, "the corridor drains", func() error {
		p := engine.Serving()
		if len(p.Corridors) != 1 || !p.Corridors[0].Draining {
			return fmt.Errorf("the worker serves %+v", p.Corridors)
		}
		return delivered()
	})
	engine.SetInFlight("home-corridor", 0)
	w.gone(c, "home-corridor")
	w.gone(&v1alpha1.Region{}, "home")
}
