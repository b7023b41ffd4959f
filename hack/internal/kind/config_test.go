package kind

import (
	"net/netip"
	"strings"
	"testing"
)

func TestConfigAddsWhatTheMachineAsksFor(t *testing.T) {
	private := netip.MustParseAddr("10.213.0.2")
	for name, tc := range map[string]struct {
		base     string
		api      netip.Addr
		cgroupV1 bool
		want     []string
		not      []string
	}{
		"a usual machine": {string(DefaultConfig), netip.Addr{}, false,
			[]string{"kind: Cluster", "role: control-plane"}, []string{"networking", "kubeadmConfigPatches"}},
		"private Docker": {string(DefaultConfig), private, false,
			[]string{"apiServerAddress: 10.213.0.2", "apiServerPort: -1"}, []string{"kubeadmConfigPatches"}},
		"cgroup v1": {string(DefaultConfig), netip.Addr{}, true, []string{"failCgroupV1: false"}, []string{"networking"}},
		"what it says is kept": {"kind: Cluster\nnetworking: {apiServerPort: 7000, ipFamily: ipv4}\nkubeadmConfigPatches: [mine]\n", private, true,
			[]string{"apiServerPort: 7000", "ipFamily: ipv4", "- mine", "failCgroupV1: false", "apiServerAddress: 10.213.0.2"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Config([]byte(tc.base), tc.api, tc.cgroupV1)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range tc.want {
				if !strings.Contains(string(got), w) {
					t.Errorf("lacks %q:\n%s", w, got)
				}
			}
			for _, n := range tc.not {
				if strings.Contains(string(got), n) {
					t.Errorf("has %q:\n%s", n, got)
				}
			}
		})
	}
}

func TestConfigErrors(t *testing.T) {
	for base, want := range map[string]string{
		":":                                "kind configuration",
		"kind: Pod\n":                      "kind is Pod",
		"kind: Cluster\nkind: Cluster\n":   "already set",
		"kind: Cluster\nnetworking: [a]\n": "networking is not a mapping",
		"kind: Cluster\nkubeadmConfigPatches: a\n": "kubeadmConfigPatches is not a list",
	} {
		if _, err := Config([]byte(base), netip.MustParseAddr("10.0.0.1"), true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", base, err, want)
		}
	}
}

func TestWithServer(t *testing.T) {
	const c = "apiVersion: v1\nclusters:\n- name: kind-a\n  cluster:\n    certificate-authority-data: QQ==\n    server: https://a-control-plane:6443\nusers:\n- name: u\n"
	got, err := withServer(c, "https://10.1.2.3:6443")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"server: https://10.1.2.3:6443", "certificate-authority-data: QQ==", "name: u"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	for _, bad := range []string{":", "clusters: []\n", "clusters: [{name: a}]\n", "clusters: [{cluster: {}}, {cluster: {}}]\n"} {
		if _, err := withServer(bad, "x"); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestDecide(t *testing.T) {
	for _, tc := range []struct {
		exists, running, ours, unfinished bool
		want                              action
	}{
		{want: create},
		{ours: true, unfinished: true, want: create},
		{exists: true, running: true, want: reuse},
		{exists: true, running: true, ours: true, want: reuse},
		{exists: true, running: true, ours: true, unfinished: true, want: remake},
		{exists: true, running: true, unfinished: true, want: reuse},
		{exists: true, ours: true, want: remake},
		{exists: true, want: refuse},
	} {
		if got := decide(tc.exists, tc.running, tc.ours, tc.unfinished); got != tc.want {
			t.Errorf("%+v: got %d", tc, got)
		}
	}
}
