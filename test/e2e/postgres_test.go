//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/sim/judge"
	"qiantang.dev/rails/pkg/client"
)

const (
	hk       = "hk"
	hkSpace  = namespace + "-hk"
	hkObject = `
apiVersion: rails.qiantang.dev/v1alpha1
kind: Region
metadata: {name: hk, namespace: demo}
spec:
  jurisdiction: HK
  ledger: {type: PostgreSQL, postgreSQL: {dsnSecretRef: {name: hk-ledger}}}
  workers: {router: {replicas: 2}, settler: {replicas: 2}}
  service: {type: NodePort}
---
apiVersion: rails.qiantang.dev/v1alpha1
kind: PaymentCorridor
metadata: {name: hk-cn, namespace: demo}
spec:
  source: {country: HK, currency: USD}
  destination: {country: CN, currency: CNY}
  regions: [hk]
  rails: [{name: cips}, {name: cnaps}, {name: cnaps-beps}]
  providers: [{name: pingpong}, {name: lianlian}, {name: antom}]
  routing: {strategy: BestAmount}
  feeTiers: [{from: "0", basisPoints: 50, min: "1.00"}]
  settlementScheduleRef: {name: shanghai-daily}
`
)

// hkLedger applies the Secret that leads to the region's database.
func hkLedger(t *testing.T, dsn string) {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]string{"name": "hk-ledger", "namespace": namespace},
		"stringData": map[string]string{"dsn": dsn},
	})
	if err != nil {
		t.Fatal(err)
	}
	record.Hub.apply(t, string(b))
}

// regionIs waits for a condition of the region.
func regionIs(t *testing.T, kind, status, reason string) (c condition) {
	t.Helper()
	eventually(t, "region hk: "+kind+"="+status, func() error {
		o := record.Hub.get(t, "region", hk)
		c = o.condition(kind)
		if c.Status != status || c.Reason != reason || c.ObservedGeneration != o.Metadata.Generation {
			return fmt.Errorf("%+v, want %s", c, reason)
		}
		return nil
	})
	return c
}

// TestARegionOnPostgreSQL brings up a region of two routers and two settlers on one PostgreSQL, first with a password that is wrong, kills
// pods and the database under load, and settles what was paid once.
func TestARegionOnPostgreSQL(t *testing.T) {
	d := startDatabase(t)
	stopped := false
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		delete(record.Regions, hk)
		if stopped { // A corridor drains only where its payments can be counted.
			if err := d.Run(ctx); err != nil {
				t.Error(err)
			}
		}
		for _, o := range []string{"settlementrun/hk-once", "settlementrun/hk-again", "paymentcorridor/hk-cn", "region/hk", "secret/hk-ledger"} {
			if _, err := record.Hub.kubectl(ctx, "", "-n", namespace, "delete", o, "--ignore-not-found", "--wait=true", "--timeout=60s"); err != nil {
				t.Error(err)
			}
		}
		if _, err := record.Hub.kubectl(ctx, "", "delete", "namespace", hkSpace, "--ignore-not-found", "--wait=false"); err != nil {
			t.Error(err)
		}
	})

	const wrong = "not-the-password"
	hkLedger(t, d.dsn(wrong))
	record.Hub.apply(t, hkObject)
	said := regionIs(t, "Ready", "False", "MigrationFailed")
	if !strings.Contains(said.Message, `"hk-ledger"`) || !strings.Contains(said.Message, "authentication") {
		t.Errorf("the status does not name Secret and cause: %s", said.Message)
	}
	if all := record.Hub.must(t, "-n", namespace, "get", "regions,paymentcorridors", "-o", "yaml"); strings.Contains(all, wrong) {
		t.Error("a status shows the password")
	}
	if out := record.Hub.must(t, "-n", hkSpace, "get", "deployments", "-o", "name"); out != "" {
		t.Errorf("there are workers before the ledger was migrated: %s", out)
	}

	hkLedger(t, d.dsn(d.password))
	regionIs(t, "Ready", "True", "Ready")
	programmed(t, "hk-cn")
	if out := record.Hub.must(t, "-n", hkSpace, "get", "jobs", "-o", `jsonpath={range .items[*]}{.status.succeeded}{"\n"}{end}`); out != "1\n" {
		t.Errorf("jobs that succeeded:\n%s\nwant the one of this DSN", out)
	}
	port := record.Hub.must(t, "-n", hkSpace, "get", "service", "hk-router", "-o", "jsonpath={.spec.ports[0].nodePort}")
	record.Regions[hk] = place{Kubeconfig: record.Hub.Kubeconfig, Context: record.Hub.Context, NodeIP: record.Hub.NodeIP,
		URL: "http://" + record.Hub.NodeIP + ":" + port}

	load := startLoad(t)
	load.answered(t, 40)
	for _, role := range []string{"router", "settler"} {
		pod := record.Hub.must(t, "-n", hkSpace, "get", "pods", "-l", "app.kubernetes.io/component="+role, "-o", "jsonpath={.items[0].metadata.name}")
		record.Hub.must(t, "-n", hkSpace, "delete", "pod", pod, "--grace-period=0", "--force", "--wait=false")
	}
	load.answered(t, 80)
	d.Kill()
	stopped = true
	regionIs(t, "Available", "False", "WorkersNotReady")
	eventually(t, "payments are refused as unavailable", func() error {
		if load.unavailable() == 0 {
			return errors.New("none was")
		}
		return nil
	})
	if err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	stopped = false
	paid := load.end(t, 120)
	regionIs(t, "Ready", "True", "Ready")
	settledOnce(t, load.c, paid)
	balanced(t, hk)
	paidOnce(t)
}

// settledOnce settles while both settlers are killed, and then once more: the second run finds nothing left.
func settledOnce(t *testing.T, c *client.Client, paid int) {
	t.Helper()
	settle(t, "hk-once", int64(paid), func() {
		record.Hub.must(t, "-n", hkSpace, "delete", "pod", "-l", "app.kubernetes.io/component=settler", "--grace-period=0", "--force", "--wait=false")
	})
	settle(t, "hk-again", 0, func() {})
	eventually(t, "all payments are settled", func() error {
		s, err := c.Summary(t.Context())
		if err == nil && s.States[client.Settled] != int64(paid) {
			err = fmt.Errorf("settled %d of %d: %v", s.States[client.Settled], paid, s.States)
		}
		return err
	})
}

// settle asks for a run, does what meanwhile does, and waits until the run has settled as many payments as are wanted.
func settle(t *testing.T, name string, want int64, meanwhile func()) {
	t.Helper()
	record.Hub.apply(t, fmt.Sprintf("{apiVersion: rails.qiantang.dev/v1alpha1, kind: SettlementRun, metadata: {name: %s, namespace: %s}, "+
		"spec: {scheduleRef: {name: shanghai-daily}, regionRef: {name: hk}}}", name, namespace))
	meanwhile()
	eventually(t, "run "+name+" is settled", func() error {
		var o struct {
			Status struct {
				Phase    string
				Payments int64
			}
		}
		if err := json.Unmarshal([]byte(record.Hub.must(t, "-n", namespace, "get", "settlementrun", name, "-o", "json")), &o); err != nil {
			t.Fatal(err)
		}
		if o.Status.Phase != "Settled" {
			return fmt.Errorf("phase %q", o.Status.Phase)
		}
		if o.Status.Payments != want {
			t.Errorf("run %s settled %d payments, want %d", name, o.Status.Payments, want)
		}
		return nil
	})
}

// paidOnce asks the simulator, which is the judge, whether anything was paid twice.
func paidOnce(t *testing.T) {
	t.Helper()
	var r judge.Report
	const path = "/api/v1/namespaces/qiantang-simulator/services/qiantang-simulator:8080/proxy/admin/report"
	if err := json.Unmarshal([]byte(record.Hub.must(t, "get", "--raw", path)), &r); err != nil {
		t.Fatal(err)
	}
	if r.Payouts == 0 || len(r.Duplicates) != 0 || r.Conflicts != 0 {
		t.Errorf("%d payouts, %d conflicts, paid twice: %+v", r.Payouts, r.Conflicts, r.Duplicates)
	}
}
