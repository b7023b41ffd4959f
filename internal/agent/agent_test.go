package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"

	"qiantang.dev/rails/controllers/envtesting"
	"qiantang.dev/rails/internal/agent"
	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/plan"
)

func TestMain(m *testing.M) { os.Exit(envtesting.Run(m, 1)) }

// place is a region's namespace, in which the test plays the operator.
type place struct {
	t      *testing.T
	client kubernetes.Interface
	ns     string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	cs, err := kubernetes.NewForConfig(envtesting.Server(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, client: cs, ns: "region-" + rand.String(6)}
	_, err = cs.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.ns}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) agent(e agent.Worker) (stop func()) {
	p.t.Helper()
	a, err := agent.New(agent.Options{
		Client: p.client, Namespace: p.ns, Region: "home", Institution: "demo", Pod: "pod-0", Worker: e, Log: testr.New(p.t),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			p.t.Errorf("run: %v", err)
		}
	})
	p.t.Cleanup(stop)
	return stop
}

func sealed(t *testing.T, edit func(*plan.Region)) *plan.Region {
	t.Helper()
	r := &plan.Region{Institution: "demo", Name: "home", Jurisdiction: "CN", Corridors: []plan.Corridor{{Name: "us-cn", Generation: 1}}}
	if edit != nil {
		edit(r)
	}
	if err := plan.Seal(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func (p *place) configMap(name string, labels map[string]string, change func(*corev1.ConfigMap)) {
	p.t.Helper()
	cms := p.client.CoreV1().ConfigMaps(p.ns)
	envtesting.Eventually(p.t, "write "+name, func() error {
		cm, err := cms.Get(p.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			cm = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
		}
		cm.Labels = map[string]string{delivery.LabelRegion: "home", delivery.LabelInstitution: "demo"}
		for k, v := range labels {
			cm.Labels[k] = v
		}
		change(cm)
		if cm.ResourceVersion == "" {
			_, err = cms.Create(p.t.Context(), cm, metav1.CreateOptions{})
		} else {
			_, err = cms.Update(p.t.Context(), cm, metav1.UpdateOptions{})
		}
		return err
	})
}

// deliver writes a plan; with shards or the index alone where the other is not wanted.
func (p *place) deliver(r *plan.Region, withShards, withIndex bool) {
	p.t.Helper()
	index, shards, err := delivery.Encode(r)
	if err != nil {
		p.t.Fatal(err)
	}
	data, err := delivery.EncodeIndex(index)
	if err != nil {
		p.t.Fatal(err)
	}
	if withIndex {
		p.configMap(delivery.IndexName("home"), nil, func(cm *corev1.ConfigMap) { cm.Data = data })
	}
	for _, s := range shards {
		if withShards {
			p.configMap(delivery.ShardName("home", s.Name), nil, func(cm *corev1.ConfigMap) {
				cm.BinaryData = map[string][]byte{delivery.KeyShard: s.Packed}
			})
		}
	}
}

func (p *place) lease() (*coordinationv1.Lease, plan.Ack) {
	lease, err := p.client.CoordinationV1().Leases(p.ns).Get(context.Background(), delivery.LeaseName("pod-0"), metav1.GetOptions{})
	if err != nil {
		return nil, plan.Ack{}
	}
	var ack plan.Ack
	if err := json.Unmarshal([]byte(lease.Annotations[delivery.AnnotationAck]), &ack); err != nil {
		p.t.Errorf("acknowledgement: %v", err)
	}
	return lease, ack
}

func (p *place) acks(what string, ok func(plan.Ack) bool) {
	p.t.Helper()
	envtesting.Eventually(p.t, what, func() error {
		lease, ack := p.lease()
		if lease == nil || !ok(ack) {
			return fmt.Errorf("acknowledgement is %+v", ack)
		}
		return nil
	})
}

func TestAPlanIsTakenWhenAllOfItIsThere(t *testing.T) {
	p := newPlace(t)
	e := envtesting.NewEngine()
	p.agent(e)
	p.acks("a worker without a plan says so", func(a plan.Ack) bool { return a.Worker == "pod-0" && a.Revision == "" && len(a.Roles) == 2 })
	r := sealed(t, nil)
	p.deliver(r, false, true)
	p.deliver(r, true, false)
	p.acks("the plan is acknowledged", func(a plan.Ack) bool { return a.Revision == r.Revision })
	if got := e.Served(); len(got) != 1 {
		t.Errorf("switched %d times", len(got))
	}
	lease, _ := p.lease()
	if lease.Labels[delivery.LabelWorker] != "true" || lease.Spec.RenewTime == nil || *lease.Spec.LeaseDurationSeconds != 40 {
		t.Errorf("lease is %+v", lease)
	}
}

func TestWhatCannotBeTakenIsRefusedAndTheLastGoodServed(t *testing.T) {
	p := newPlace(t)
	e := envtesting.NewEngine()
	p.agent(e)
	good := sealed(t, nil)
	p.deliver(good, true, true)
	p.acks("the good plan", func(a plan.Ack) bool { return a.Revision == good.Revision })

	e.Refuse(errors.New("no such adapter"))
	bad := sealed(t, func(r *plan.Region) { r.Corridors[0].Generation = 2 })
	p.deliver(bad, true, true)
	p.acks("refused by the engine", func(a plan.Ack) bool {
		return a.Revision == good.Revision && a.Refused == bad.Revision && a.Reason == "no such adapter"
	})
	e.Refuse(nil)

	foreign := sealed(t, func(r *plan.Region) { r.Institution = "other" })
	p.deliver(foreign, true, true)
	p.acks("another institution's", func(a plan.Ack) bool {
		return a.Revision == good.Revision && a.Refused == foreign.Revision && strings.Contains(a.Reason, "home of other")
	})
	p.configMap(delivery.IndexName("home"), nil, func(cm *corev1.ConfigMap) { cm.Data = map[string]string{"revision": "x", "shards": "{"} })
	p.acks("an index that cannot be read", func(a plan.Ack) bool {
		return a.Revision == good.Revision && strings.Contains(a.Reason, "index of revision x")
	})
	p.deliver(bad, true, true)
	p.acks("mended", func(a plan.Ack) bool { return a.Revision == bad.Revision && a.Refused == "" && a.Reason == "" })
}

func TestCredentialsComeAndChange(t *testing.T) {
	p := newPlace(t)
	e := envtesting.NewEngine()
	p.agent(e)
	p.deliver(sealed(t, nil), true, true)
	secrets := p.client.CoreV1().Secrets(p.ns)
	s, err := secrets.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: delivery.CredentialsName("home")}, StringData: map[string]string{"pingpong.token": "one"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token := func(want string) func() error {
		return func() error {
			if got := string(e.Credentials()["pingpong"]["token"]); got != want {
				return fmt.Errorf("not %s yet", want)
			}
			return nil
		}
	}
	envtesting.Eventually(t, "the first", token("one"))
	s.Data["pingpong.token"] = []byte("two")
	if _, err := secrets.Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	envtesting.Eventually(t, "the second", token("two"))
}

func TestDrainingCorridorsAreCounted(t *testing.T) {
	p := newPlace(t)
	e := envtesting.NewEngine()
	e.SetInFlight("us-cn", 3)
	p.agent(e)
	p.deliver(sealed(t, func(r *plan.Region) { r.Corridors[0].Draining = true }), true, true)
	is := func(n int64) func(plan.Ack) bool {
		return func(a plan.Ack) bool { got, ok := a.InFlight["us-cn"]; return ok && got == n }
	}
	p.acks("three under way", is(3))
	e.SetInFlight("us-cn", -1)
	p.acks("not known", is(-1))
	e.SetInFlight("us-cn", 0)
	p.acks("none", is(0))
}

func TestRunsAreRequestedOnceAndReported(t *testing.T) {
	p := newPlace(t)
	e := envtesting.NewEngine()
	p.agent(e)
	request := func(run, text string) {
		p.configMap(delivery.RunName(run), map[string]string{delivery.LabelRun: run}, func(cm *corev1.ConfigMap) {
			cm.Data = map[string]string{delivery.KeyRequest: text}
		})
	}
	report := func(run, phase, message string) {
		t.Helper()
		envtesting.Eventually(t, run, func() error {
			cm, err := p.client.CoreV1().ConfigMaps(p.ns).Get(t.Context(), delivery.RunName(run), metav1.GetOptions{})
			if err != nil {
				return err
			}
			var r plan.RunReport
			if err := json.Unmarshal([]byte(cm.Data[delivery.KeyReport]), &r); err != nil || r.Phase != phase || !strings.Contains(r.Message, message) {
				return fmt.Errorf("report is %q", cm.Data[delivery.KeyReport])
			}
			return nil
		})
	}
	request("now", `{"name":"now","schedule":"daily"}`)
	report("now", "Settled", "")
	request("later", `{"name":"later","schedule":"busy"}`)
	report("later", "Pending", "another run is under way")
	request("odd", `{"name":"odd","schedule":"daily","amount":1.5}`)
	report("odd", "Pending", "amount")
	request("liar", `{"name":"now","schedule":"daily"}`)
	report("liar", "Pending", `the request is for run "now"`)
}

func TestAReportThatWasRemovedStaysRemovedAfterARestart(t *testing.T) {
	p := newPlace(t)
	e := envtesting.NewEngine()
	stop := p.agent(e)
	first := envtesting.Settled("first", "daily")
	e.Report(first)
	cms := p.client.CoreV1().ConfigMaps(p.ns)
	there := func(run string) func() error {
		return func() error {
			_, err := cms.Get(t.Context(), delivery.RunName(run), metav1.GetOptions{})
			return err
		}
	}
	envtesting.Eventually(t, "reported", there("first"))
	envtesting.Eventually(t, "noted", func() error {
		lease, _ := p.lease()
		if lease == nil || lease.Annotations[delivery.AnnotationReported] == "" {
			return errors.New("not yet")
		}
		return nil
	})
	stop()
	if err := cms.Delete(t.Context(), delivery.RunName("first"), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	second := envtesting.Settled("second", "daily")
	done := first.Completed.Add(time.Second)
	second.Completed = &done
	e.Report(second)
	p.agent(e)
	envtesting.Eventually(t, "the second", there("second"))
	if there("first")() == nil {
		t.Error("the first came back")
	}
}

func TestNewNeedsToKnowWhoItIs(t *testing.T) {
	for name, o := range map[string]agent.Options{
		"nothing":   {},
		"no pod":    {Namespace: "n", Region: "r", Institution: "i"},
		"no engine": {Namespace: "n", Region: "r", Institution: "i", Pod: "p"},
	} {
		if _, err := agent.New(o); err == nil {
			t.Errorf("%s: made", name)
		}
	}
}
