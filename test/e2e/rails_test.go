//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestEverythingIsReady(t *testing.T) {
	for _, kind := range []string{"regions", "paymentrails", "fxproviders", "paymentcorridors", "settlementschedules", "participants"} {
		var list struct{ Items []object }
		if err := json.Unmarshal([]byte(record.Hub.must(t, "-n", namespace, "get", kind, "-o", "json")), &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Items) == 0 {
			t.Errorf("no %s", kind)
		}
		for _, o := range list.Items {
			if c := o.condition("Ready"); c.Status != "True" || c.ObservedGeneration != o.Metadata.Generation {
				t.Errorf("%s %s: %+v", kind, o.Metadata.Name, c)
			}
		}
	}
}

func TestAnEditIsServedWithoutARestart(t *testing.T) {
	region := record.Regions["us-east"]
	pods := func() string {
		return region.must(t, "-n", namespace+"-us-east", "get", "pods", "-o", "jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[*].restartCount}{\"\\n\"}{end}")
	}
	before, served := pods(), corridorServed(t, "us-east", "us-cn").Generation
	record.Hub.must(t, "-n", namespace, "patch", "paymentcorridor", "us-cn", "--type=merge", "-p", `{"spec":{"limits":{"max":"240000.00"}}}`)
	programmed(t, "us-cn")
	if now := corridorServed(t, "us-east", "us-cn").Generation; now <= served {
		t.Errorf("generation %d is served, was %d before the edit", now, served)
	}
	if after := pods(); after != before {
		t.Errorf("pods were\n%s\nand are\n%s", before, after)
	}
}

func TestABadEditLeavesTheLastGoodServed(t *testing.T) {
	served := corridorServed(t, "us-east", "us-cn")
	record.Hub.must(t, "-n", namespace, "patch", "paymentcorridor", "us-cn", "--type=merge", "-p", `{"spec":{"settlementScheduleRef":{"name":"no-such-schedule"}}}`)
	eventually(t, "ResolvedRefs turns False and names the schedule", func() error {
		if c := record.Hub.get(t, "paymentcorridor", "us-cn").condition("ResolvedRefs"); c.Status != "False" || !strings.Contains(c.Message, "no-such-schedule") {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
	if out := record.Hub.must(t, "-n", namespace, "get", "rails"); !strings.Contains(out, "no-such-schedule") {
		t.Errorf("kubectl get rails does not say what is wrong:\n%s", out)
	}
	if now := corridorServed(t, "us-east", "us-cn"); now.Generation != served.Generation {
		t.Errorf("served %+v, want the last good %+v", now, served)
	}
	record.Hub.must(t, "-n", namespace, "patch", "paymentcorridor", "us-cn", "--type=merge", "-p", `{"spec":{"settlementScheduleRef":{"name":"shanghai-daily"}}}`)
	programmed(t, "us-cn")
}

func TestTheSchemaRefusesWithTheValue(t *testing.T) {
	_, err := record.Hub.kubectl(t.Context(), "", "-n", namespace, "patch", "paymentcorridor", "us-cn", "--type=merge", "-p", `{"spec":{"limits":{"max":"12,50"}}}`)
	if err == nil || !strings.Contains(err.Error(), "12,50") {
		t.Errorf("got %v", err)
	}
}

func TestDriftIsRepaired(t *testing.T) {
	for name, target := range map[string]string{"cn-hangzhou": "statefulset/cn-hangzhou-worker", "us-east": "configmap/qiantang-us-east-plan"} {
		region, ns := record.Regions[name], namespace+"-"+name
		uid := region.must(t, "-n", ns, "get", target, "-o", "jsonpath={.metadata.uid}")
		region.must(t, "-n", ns, "delete", target, "--wait=true")
		eventually(t, target+" comes back", func() error {
			now, err := region.kubectl(t.Context(), "", "-n", ns, "get", target, "-o", "jsonpath={.metadata.uid}")
			if err == nil && now == uid {
				err = fmt.Errorf("it was not deleted")
			}
			return err
		})
	}
	programmed(t, "cn-us")
	programmed(t, "us-cn")
}

func TestADeletedCorridorDrainsAndGoes(t *testing.T) {
	var spec map[string]any
	if err := json.Unmarshal([]byte(record.Hub.must(t, "-n", namespace, "get", "paymentcorridor", "us-cn", "-o", "json")), &spec); err != nil {
		t.Fatal(err)
	}
	record.Hub.must(t, "-n", namespace, "delete", "paymentcorridor", "us-cn", "--wait=true", "--timeout=120s")
	if c := findCorridor(t, "us-east", "us-cn"); c != nil {
		t.Errorf("the resource is gone but still served: %+v", c)
	}
	delete(spec, "status")
	spec["metadata"] = map[string]any{"name": "us-cn", "namespace": namespace}
	b, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	record.Hub.apply(t, string(b))
	programmed(t, "us-cn")
}
