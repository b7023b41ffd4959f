package agent_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	testclock "k8s.io/utils/clock/testing"

	"qiantang.dev/rails/controllers/envtesting"
	"qiantang.dev/rails/internal/agent"
	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
)

// keeping runs an agent that keeps its plan in dir, until stop.
func (p *place) keeping(client kubernetes.Interface, e agent.Worker, c clock.WithTicker, dir string) (stop func()) {
	p.t.Helper()
	a, err := agent.New(agent.Options{
		Client: client, Namespace: p.ns, Region: "home", Institution: "demo", Pod: "pod-0", Worker: e, Log: testr.New(p.t), Clock: c,
		KeepFile: filepath.Join(dir, "plan.json"), MountedCredentials: filepath.Join(dir, "credentials"),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			p.t.Errorf("run: %v", err)
		}
	}
}

func TestAWorkerThatStartsWhileItsAPIServerIsAwayServesWhatItAcknowledgedLast(t *testing.T) {
	p := newPlace(t)
	dir := t.TempDir()
	first := sealed(t, nil)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: delivery.CredentialsName("home")}, StringData: map[string]string{"pingpong.token": "of the API server"}}
	if _, err := p.client.CoreV1().Secrets(p.ns).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	p.deliver(first, true, true)
	stop := p.keeping(p.client, envtesting.NewEngine(), nil, dir)
	envtesting.Eventually(t, "the plan is kept", func() error {
		_, err := os.Stat(filepath.Join(dir, "plan.json"))
		return err
	})
	stop()

	mount := filepath.Join(dir, "credentials")
	if err := os.Mkdir(mount, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(mount, "pingpong.token"), []byte("of the mount"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := envtesting.Server(t, 0)
	proxy := envtesting.NewProxy(t, cfg)
	proxy.Cut()
	through := rest.CopyConfig(cfg)
	through.Host = proxy.URL
	cut, err := kubernetes.NewForConfig(through)
	if err != nil {
		t.Fatal(err)
	}
	now := testclock.NewFakeClock(time.Now())
	engine := envtesting.NewEngine()
	t.Cleanup(p.keeping(cut, engine, now, dir))
	serves := func(r *plan.Region, token string) func() error {
		return func() error {
			if got := engine.Serving(); got == nil || got.Revision != r.Revision {
				return fmt.Errorf("it serves %+v", got)
			}
			if got := string(engine.Credentials()["pingpong"]["token"]); got != token {
				return fmt.Errorf("with a token %s", got)
			}
			return nil
		}
	}
	envtesting.Eventually(t, "it waits", func() error {
		if !now.HasWaiters() {
			return fmt.Errorf("for nothing yet")
		}
		return nil
	})
	if engine.Serving() != nil {
		t.Error("it did not wait for its API server")
	}
	now.Step(time.Minute)
	envtesting.Eventually(t, "it serves what was kept", serves(first, "of the mount"))

	second := sealed(t, func(r *plan.Region) { r.Corridors[0].Generation = 2 })
	p.deliver(second, true, true)
	proxy.Mend()
	envtesting.Eventually(t, "it serves what is newest", serves(second, "of the API server"))
}
