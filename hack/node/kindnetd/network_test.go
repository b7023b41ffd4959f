package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

func TestConfListGivesPodsAddressesOfTheNode(t *testing.T) {
	b, err := confList("10.244.3.0/24")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Name    string
		Plugins []struct {
			Type string
			IPAM struct {
				Type   string
				Ranges [][]struct{ Subnet string }
			}
			Capabilities map[string]bool
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "kindnet" || len(got.Plugins) != 2 || got.Plugins[0].Type != "ptp" ||
		got.Plugins[0].IPAM.Ranges[0][0].Subnet != "10.244.3.0/24" || !got.Plugins[1].Capabilities["portMappings"] {
		t.Errorf("got %s", b)
	}
	if _, err := confList("10.244.3.0"); err == nil || !strings.Contains(err.Error(), "10.244.3.0") {
		t.Errorf("error %v", err)
	}
}

func TestSeenWritesTheConfigurationOfThisNodeAlone(t *testing.T) {
	n := &node{ip: "10.1.0.2", conf: filepath.Join(t.TempDir(), "x.conflist")}
	this := &v1.Node{Spec: v1.NodeSpec{PodCIDR: "10.244.0.0/24"}, Status: v1.NodeStatus{Addresses: []v1.NodeAddress{
		{Type: v1.NodeHostName, Address: "x"}, {Type: v1.NodeInternalIP, Address: "10.1.0.2"}}}}
	unassigned := this.DeepCopy()
	unassigned.Spec.PodCIDR = ""
	if err := n.seen(unassigned); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(n.conf); !os.IsNotExist(err) {
		t.Errorf("written without a pod network: %v", err)
	}
	var first os.FileInfo
	for range 2 {
		if err := n.seen(this); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(n.conf)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && !os.SameFile(first, fi) {
			t.Error("an unchanged configuration was written again: containerd would read it again")
		}
		first = fi
	}
	wrong := this.DeepCopy()
	wrong.Spec.PodCIDR, wrong.Status.Addresses[1].Address = "x", "10.1.0.3"
	if err := n.seen(wrong); err == nil {
		t.Error("a node with a bad podCIDR is no error")
	}
	if err := n.gone(cache.DeletedFinalStateUnknown{Obj: wrong}); err == nil {
		t.Error("a node with a bad podCIDR is no error when it goes")
	}
	if err := n.gone(this); err != nil {
		t.Errorf("this node's own end: %v", err)
	}
	for _, f := range []func(any) error{n.seen, n.gone} {
		if err := f("x"); err == nil {
			t.Error("something else than a node is no error")
		}
	}
	n.conf = "/dev/null/x"
	if err := n.seen(this); err == nil {
		t.Error("a place that cannot be written is no error")
	}
}

func TestMasqueradeLeavesThePodsNetworkAlone(t *testing.T) {
	rules := masqueradeRules("10.244.0.0/16")
	last := strings.Join(rules[len(rules)-1], " ")
	if !strings.HasSuffix(last, "-j MASQUERADE") || !strings.Contains(strings.Join(rules[2], " "), "-d 10.244.0.0/16 -j RETURN") {
		t.Errorf("rules %q", rules)
	}
}

func TestRunNeedsTheEnvironmentOfKindsDaemonSet(t *testing.T) {
	t.Setenv("HOST_IP", "")
	if err := run(t.Context()); err == nil || !strings.Contains(err.Error(), "HOST_IP") {
		t.Errorf("error %v", err)
	}
	t.Setenv("HOST_IP", "10.0.0.1")
	t.Setenv("POD_SUBNET", "10.244.0.0/16")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if err := run(t.Context()); err == nil {
		t.Error("no error outside of a cluster")
	}
}
