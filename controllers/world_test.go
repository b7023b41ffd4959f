package controllers_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers"
	"qiantang.dev/rails/controllers/envtesting"
	"qiantang.dev/rails/internal/agent"
	"qiantang.dev/rails/internal/fleet"
)

// Server 0 is the hub, 1 another cluster.
func TestMain(m *testing.M) { os.Exit(envtesting.Run(m, 2)) }

const image = "registry.example/qiantang:test"

// world is one institution on the hub, with the operator and whatever workers the test starts.
type world struct {
	t      *testing.T
	ns     string
	hub    client.Client
	config *rest.Config
	// beyond is the other cluster.
	beyond *rest.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, config: envtesting.Server(t, 0), beyond: envtesting.Server(t, 1), ns: "bank-" + rand.String(6)}
	scheme, err := controllers.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	if w.hub, err = client.New(w.config, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.ns}})
	return w
}

func (w *world) ctx() context.Context { return w.t.Context() }

func (w *world) create(o client.Object) {
	w.t.Helper()
	if err := w.hub.Create(w.ctx(), o); err != nil {
		w.t.Fatal(err)
	}
}

// apply creates what text says, with $NS for the institution's namespace.
func (w *world) apply(text string) {
	w.t.Helper()
	for doc := range strings.SplitSeq(strings.ReplaceAll(text, "$NS", w.ns), "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
			w.t.Fatalf("%v in\n%s", err, doc)
		}
		if len(u.Object) == 0 {
			continue
		}
		if u.GetKind() == "Namespace" {
			continue
		}
		u.SetNamespace(w.ns)
		if err := w.hub.Create(w.ctx(), u); err != nil {
			w.t.Fatalf("%v in\n%s", err, doc)
		}
	}
}

func (w *world) samples() {
	w.t.Helper()
	files, err := filepath.Glob("../config/samples/*.yaml")
	if err != nil || len(files) == 0 {
		w.t.Fatalf("no samples: %v", err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			w.t.Fatal(err)
		}
		w.apply(string(raw))
	}
}

func (w *world) secret(name string, data map[string]string) {
	w.t.Helper()
	w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name}, StringData: data})
}

// small is an institution with the named local regions, and one corridor in each: name "<region>-corridor".
func (w *world) small(regions ...string) {
	w.t.Helper()
	w.apply(smallBase)
	for _, r := range regions {
		w.apply(strings.ReplaceAll(localRegion, "$REGION", r))
		w.apply(strings.ReplaceAll(corridor, "$REGION", r))
	}
}

const smallBase = `apiVersion: rails.qiantang.dev/v1alpha1
kind: PaymentRail
metadata: {name: cips}
spec: {system: CIPS, country: CN, currency: CNY, finality: Immediate}
---
apiVersion: rails.qiantang.dev/v1alpha1
kind: FXProvider
metadata: {name: open}
spec: {adapter: OpenFX, endpoint: "http://open.example", pairs: [{sell: USD, buy: CNY}]}
---
apiVersion: rails.qiantang.dev/v1alpha1
kind: SettlementSchedule
metadata: {name: daily}
spec: {timeZone: Asia/Shanghai, cutOffs: ["0 17 * * *"], model: MultilateralNet, delivery: {type: Directory, directory: out}}
`

const localRegion = `apiVersion: rails.qiantang.dev/v1alpha1
kind: Region
metadata: {name: $REGION}
spec: {jurisdiction: CN, cluster: {type: Local}, ledger: {type: Embedded}}
`

const remoteRegion = `apiVersion: rails.qiantang.dev/v1alpha1
kind: Region
metadata: {name: $REGION}
spec: {jurisdiction: US, cluster: {type: Kubeconfig, kubeconfigSecretRef: {name: $REGION-kubeconfig}}, ledger: {type: Embedded}}
`

const corridor = `apiVersion: rails.qiantang.dev/v1alpha1
kind: PaymentCorridor
metadata: {name: $REGION-corridor}
spec:
  source: {country: US, currency: USD}
  destination: {country: CN, currency: CNY}
  regions: [$REGION]
  rails: [{name: cips}]
  providers: [{name: open}]
  settlementScheduleRef: {name: daily}
`

// operatorOptions are what a test changes.
type operatorOptions struct {
	clock clock.WithTicker
	fleet fleet.Options
	// config to run as; nil: the world's.
	config *rest.Config
}

// operator runs one for this institution alone, until stop or the test's end.
func (w *world) operator(o operatorOptions) (stop func()) {
	w.t.Helper()
	if o.fleet.ProbeInterval == 0 {
		o.fleet.ProbeInterval = 200 * time.Millisecond
	}
	if o.config == nil {
		o.config = w.config
	}
	mgr, err := controllers.NewManager(o.config, controllers.ManagerOptions{
		MetricsAddress: "0", ProbeAddress: "0", Log: envtesting.Log(w.t), Namespaces: []string{w.ns}, SkipNameValidation: true,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := controllers.Setup(mgr, controllers.Options{WorkerImage: image, Clock: o.clock, Fleet: o.fleet}); err != nil {
		w.t.Fatal(err)
	}
	return w.run(func(ctx context.Context) error { return mgr.Start(ctx) })
}

// worker runs the real agent before engine, as the pod of the region in cfg's cluster, until stop or the test's end.
func (w *world) worker(cfg *rest.Config, region, pod string, engine agent.Worker) (stop func()) {
	w.t.Helper()
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := agent.New(agent.Options{
		Client: cs, Namespace: w.ns + "-" + region, Region: region, Institution: w.ns, Pod: pod, Worker: engine, Log: envtesting.Log(w.t),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.run(a.Run)
}

// local runs a worker of a region in the hub's cluster.
func (w *world) local(region string) *envtesting.Engine {
	w.t.Helper()
	e := envtesting.NewEngine()
	w.worker(w.config, region, region+"-worker-0", e)
	return e
}

func (w *world) run(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := f(ctx); err != nil {
			w.t.Errorf("%v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	w.t.Cleanup(stop)
	return stop
}

func (w *world) get(o client.Object, name string) error {
	return w.hub.Get(context.Background(), client.ObjectKey{Namespace: w.ns, Name: name}, o)
}

// cond is a condition of o, read again; empty where it is not there.
func (w *world) cond(o client.Object, name, kind string) metav1.Condition {
	if err := w.get(o, name); err != nil {
		return metav1.Condition{Message: err.Error()}
	}
	var list []metav1.Condition
	switch o := o.(type) {
	case *v1alpha1.Region:
		list = o.Status.Conditions
	case *v1alpha1.PaymentCorridor:
		list = o.Status.Conditions
	case *v1alpha1.PaymentRail:
		list = o.Status.Conditions
	case *v1alpha1.FXProvider:
		list = o.Status.Conditions
	case *v1alpha1.SettlementSchedule:
		list = o.Status.Conditions
	case *v1alpha1.SettlementRun:
		list = o.Status.Conditions
	case *v1alpha1.Participant:
		list = o.Status.Conditions
	case *v1alpha1.BusinessCalendar:
		list = o.Status.Conditions
	}
	if c := meta.FindStatusCondition(list, kind); c != nil {
		return *c
	}
	return metav1.Condition{}
}

// waitFor waits until a condition of o, for its newest generation, has status and reason (empty: any).
func (w *world) waitFor(o client.Object, name, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	w.t.Helper()
	var c metav1.Condition
	envtesting.Eventually(w.t, fmt.Sprintf("%T %s: %s=%s %s", o, name, kind, status, reason), func() error {
		c = w.cond(o, name, kind)
		if c.Status != status || (reason != "" && c.Reason != reason) || c.ObservedGeneration != o.GetGeneration() {
			return fmt.Errorf("is %s=%s %s at generation %d of %d: %s", kind, c.Status, c.Reason, c.ObservedGeneration, o.GetGeneration(), c.Message)
		}
		return nil
	})
	return c
}

func (w *world) ready(o client.Object, name string) {
	w.t.Helper()
	w.waitFor(o, name, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// edit changes the newest version of o.
func edit[T client.Object](w *world, o T, name string, change func(T)) {
	w.t.Helper()
	envtesting.Eventually(w.t, "edit "+name, func() error {
		if err := w.get(o, name); err != nil {
			return err
		}
		change(o)
		return w.hub.Update(w.ctx(), o)
	})
}
