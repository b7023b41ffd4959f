package engine

import (
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"qiantang.dev/rails/hack/internal/cache"
)

func plan(t *testing.T) Plan {
	t.Helper()
	p, err := NewPlan(netip.MustParsePrefix("10.213.0.0/16"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlanDividesTheNetworkWithoutOverlap(t *testing.T) {
	p := plan(t)
	want := Plan{Host: netip.MustParsePrefix("10.213.0.1/30"), Inner: netip.MustParsePrefix("10.213.0.2/30"),
		Bridge: netip.MustParsePrefix("10.213.1.1/24"), Pool: netip.MustParsePrefix("10.213.128.0/17")}
	if p != want {
		t.Errorf("got %+v", p)
	}
	if p.Host.Overlaps(p.Bridge) || p.Host.Overlaps(p.Pool) || p.Bridge.Overlaps(p.Pool) {
		t.Error("parts overlap")
	}
	for _, bad := range []string{"10.0.0.0/8", "10.213.4.0/16", "fd00::/16"} {
		if _, err := NewPlan(netip.MustParsePrefix(bad)); err == nil {
			t.Errorf("no error for %s", bad)
		}
	}
}

func TestDaemonConfiguration(t *testing.T) {
	f := files{cache.Dir("/c")}
	for fit, want := range map[string]any{"": nil, "/c/bin/runcfit": "runcfit"} {
		b, err := f.daemonJSON(plan(t), fit)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if got["default-runtime"] != want || (got["runtimes"] != nil) != (fit != "") {
			t.Errorf("fit %q: %s", fit, b)
		}
		if got["containerd"] != "/c/run/containerd.sock" || got["data-root"] != "/c/docker/data" || got["bip"] != "10.213.1.1/24" ||
			!reflect.DeepEqual(got["dns"], []any{"10.213.0.2"}) {
			t.Errorf("%s", b)
		}
	}
	toml := f.containerdToml()
	for _, want := range []string{`root = "/c/docker/containerd"`, `address = "/c/run/containerd.sock"`, `state = "/c/run/containerd"`} {
		if !strings.Contains(toml, want) {
			t.Errorf("%s lacks %s", toml, want)
		}
	}
}

func TestNetworkCommandsJoinTheNamespaceByOneRoute(t *testing.T) {
	got := strings.Join(networkCommands(plan(t)), "\n")
	for _, want := range []string{"addr add 10.213.0.1/30 dev qiantang0", "-n qiantang addr add 10.213.0.2/30 dev eth0",
		"route add 10.213.128.0/17 via 10.213.0.2", "-n qiantang route add default via 10.213.0.1"} {
		if !strings.Contains(got+"\n", want+"\n") {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
}

func TestFirewallLooksAtTCPFirst(t *testing.T) {
	// Rules are inserted at the top one after the other, so of two the later decides.
	rules := firewallRules(plan(t))
	want := []string{
		"DOCKER-USER -i eth0 -j ACCEPT",
		"DOCKER-USER -o eth0 ! -d 10.213.0.0/30 -j REJECT",
		"DOCKER-USER -o eth0 ! -d 10.213.0.0/30 -p tcp -j REJECT --reject-with tcp-reset",
		"OUTPUT -o eth0 ! -d 10.213.0.0/30 -j REJECT",
		"OUTPUT -o eth0 ! -d 10.213.0.0/30 -p tcp -j REJECT --reject-with tcp-reset",
	}
	if !reflect.DeepEqual(rules, want) {
		t.Errorf("got %q", rules)
	}
}

func TestSysctlsAreRestoredOnlyWhereTheyChanged(t *testing.T) {
	dir := t.TempDir()
	set := func(key, value string) {
		t.Helper()
		p := filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(value+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set("kernel/panic", "1")
	set("vm/overcommit_memory", "0")
	saved, err := readSysctls(dir) // the others do not exist here
	if err != nil || !reflect.DeepEqual(saved, map[string]string{"kernel/panic": "1", "vm/overcommit_memory": "0"}) {
		t.Fatalf("saved %v, %v", saved, err)
	}
	set("kernel/panic", "10")
	unchanged := filepath.Join(dir, "vm/overcommit_memory")
	before, err := os.Stat(unchanged)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeSysctls(dir, saved); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "kernel/panic")); err != nil || string(b) != "1\n" {
		t.Errorf("kernel/panic %q, %v", b, err)
	}
	if after, err := os.Stat(unchanged); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("an unchanged setting was written: %v", err)
	}
	if err := writeSysctls(dir, map[string]string{"kernel/gone": "1"}); err == nil {
		t.Error("a setting that is gone is no error")
	}
}

func TestLitterLeavesWhatOthersUse(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "run/docker"), 0o755); err != nil {
		t.Fatal(err)
	}
	made := absent(litter(root))
	for _, m := range made {
		if m == filepath.Join(root, "run/docker") {
			t.Error("a folder that was there is taken for ours")
		}
	}
	for _, d := range []string{"run/docker/plugins", "run/containerd/s", "run/containerd/else", "lib/modules", "etc/docker"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "etc/docker/key.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := removeLitter(made); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]bool{"run/docker": true, "run/docker/plugins": false, "run/containerd": true,
		"run/containerd/s": false, "lib/modules": false, "etc/docker": true, "etc/docker/key.json": false} {
		if got := cache.Exists(filepath.Join(root, p)); got != want {
			t.Errorf("%s: exists %v, want %v", p, got, want)
		}
	}
}

func TestDeadSocketsGoAndLiveOnesStay(t *testing.T) {
	dir := t.TempDir()
	listen := func(name string) *net.UnixListener {
		t.Helper()
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		return l
	}
	live, dead := listen("live"), listen("dead")
	defer func() { _ = live.Close() }()
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := removeDeadSockets(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"live": true, "dead": false, "file": true} {
		if got := cache.Exists(filepath.Join(dir, name)); got != want {
			t.Errorf("%s: exists %v, want %v", name, got, want)
		}
	}
	for _, p := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "file")} {
		if err := removeDeadSockets(p); err != nil {
			t.Error(err)
		}
	}
}

func TestRemoveTreeRemovesInnermostFirst(t *testing.T) {
	top := filepath.Join(t.TempDir(), "a")
	if err := os.MkdirAll(filepath.Join(top, "b/c"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := removeTree(top); err != nil {
			t.Fatal(err)
		}
	}
	if cache.Exists(top) {
		t.Error("it is still there")
	}
}

// fakeDocker puts a docker into PATH that answers as the script says.
func fakeDocker(t *testing.T, script string) {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "docker"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

func TestDockerAnswersOnlyWithADaemon(t *testing.T) {
	for script, want := range map[string]bool{
		"echo 20.10.24": true,
		"echo":          false, // the client alone prints an empty version with some releases
		"exit 1":        false,
	} {
		fakeDocker(t, script)
		if got := (Docker{}).Answers(t.Context()); got != want {
			t.Errorf("%s: %v", script, got)
		}
	}
}

func TestDockerIsAskedAtItsHost(t *testing.T) {
	fakeDocker(t, "echo $DOCKER_HOST\n")
	d := Docker{Host: "unix:///x"}
	if out, err := d.Cmd("ps").Output(t.Context()); err != nil || out != "unix:///x\n" {
		t.Errorf("got %q, %v", out, err)
	}
	if d.Private() || len((Docker{}).Env()) != 0 {
		t.Error("a Docker of the machine's is taken for private")
	}
}

func TestAddressOfAContainer(t *testing.T) {
	fakeDocker(t, "echo 10.1.2.3\n")
	if a, err := (Docker{}).Address(t.Context(), "c", "kind"); err != nil || a.String() != "10.1.2.3" {
		t.Errorf("got %v, %v", a, err)
	}
	fakeDocker(t, "echo\n")
	if _, err := (Docker{}).Address(t.Context(), "c", "kind"); err == nil || !strings.Contains(err.Error(), "container c in network kind") {
		t.Errorf("error %v", err)
	}
}
