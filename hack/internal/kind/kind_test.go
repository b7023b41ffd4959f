package kind

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/progress"
	"qiantang.dev/rails/hack/internal/record"
)

// fixture is a Manager on programs that only write down how they were called. What clusters exist is a file.
type fixture struct {
	*Manager
	calls, clusters string
	settings        int
}

const fakeKind = `#!/bin/sh
echo "$@" >>CALLS
case "$*" in
"get clusters"*) cat CLUSTERS ;;
"create cluster --name broken"*) echo "no space left" >&2; exit 1 ;;
"get nodes --name"*) echo worker-1 worker-2 ;;
"get kubeconfig --name"*) printf 'clusters: [{name: c, cluster: {server: "https://127.0.0.1:4000"}}]\n' ;;
"get kubeconfig --internal"*) printf 'clusters: [{name: c, cluster: {server: "https://c-control-plane:6443"}}]\n' ;;
esac
`

const fakeDocker = `#!/bin/sh
echo docker "$@" >>CALLS
case "$*" in
*State.Running*stopped-control-plane) echo false ;;
*State.Running*) echo true ;;
*IPAddress*) echo 10.1.2.3 ;;
esac
`

func setUp(t *testing.T, existing ...string) *fixture {
	t.Helper()
	dir := t.TempDir()
	f := &fixture{calls: filepath.Join(dir, "calls"), clusters: filepath.Join(dir, "clusters")}
	program := filepath.Join(dir, "kind")
	for path, content := range map[string]string{
		f.calls:                      "",
		f.clusters:                   strings.Join(existing, "\n"),
		program:                      strings.NewReplacer("CALLS", f.calls, "CLUSTERS", f.clusters).Replace(fakeKind),
		filepath.Join(dir, "docker"): strings.ReplaceAll(fakeDocker, "CALLS", f.calls),
	} {
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	store, err := record.Open(cache.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	f.Manager = &Manager{Cache: cache.Dir(dir), Say: progress.New(io.Discard, time.Now), Record: store, Program: program,
		Image: "node:v1", Config: DefaultConfig, Settings: func() error { f.settings++; return nil }}
	return f
}

func (f *fixture) called(t *testing.T, what string) bool {
	t.Helper()
	b, err := os.ReadFile(f.calls)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(b), what)
}

func TestUpMakesRecordsAndWritesKubeconfigs(t *testing.T) {
	f := setUp(t)
	if err := f.Up(t.Context(), []string{"hub", "east"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hub", "east"} {
		if !f.called(t, "create cluster --name "+name+" --image node:v1") {
			t.Errorf("%s was not made", name)
		}
		c, ok := f.Record.State().Cluster(name)
		if !ok || !c.Made || !c.Ready || c.NodeIP != "10.1.2.3" {
			t.Errorf("recorded %+v", c)
		}
		for path, server := range map[string]string{c.Kubeconfig: "https://127.0.0.1:4000", c.InternalKubeconfig: "https://10.1.2.3:6443"} {
			b, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(b), server) {
				t.Errorf("%s: %s, %v", path, b, err)
			}
			if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
				t.Errorf("%s may be read by others", path)
			}
		}
	}
	if f.settings != 2 {
		t.Errorf("settings were restored %d times", f.settings)
	}
}

func TestNodesOfAPrivateDockerAreToldToForward(t *testing.T) {
	for address, want := range map[string]bool{"10.213.0.2": true, "": false} {
		f := setUp(t)
		if address != "" {
			f.Docker.APIAddress = netip.MustParseAddr(address)
		}
		if err := f.Up(t.Context(), []string{"a"}); err != nil {
			t.Fatal(err)
		}
		for _, node := range []string{"worker-1", "worker-2"} {
			if got := f.called(t, "docker exec "+node+" sysctl -q -w net.ipv4.ip_forward=1"); got != want {
				t.Errorf("address %q, node %s: told %v", address, node, got)
			}
		}
	}
}

func TestAFoundClusterIsUsedAndNeverRemoved(t *testing.T) {
	f := setUp(t, "mine", "stopped")
	if err := f.Up(t.Context(), []string{"mine"}); err != nil {
		t.Fatal(err)
	}
	if c, _ := f.Record.State().Cluster("mine"); c.Made {
		t.Error("a found cluster is recorded as ours")
	}
	if err := f.Up(t.Context(), []string{"stopped"}); err == nil || !strings.Contains(err.Error(), "docker start stopped-control-plane") {
		t.Errorf("error %v", err)
	}
	if err := f.Down(t.Context(), []string{"mine", "unknown"}, true); err != nil {
		t.Fatal(err)
	}
	if f.called(t, "delete") || f.called(t, "create") {
		t.Error("a found cluster was changed")
	}
	if _, ok := f.Record.State().Cluster("mine"); ok || cache.Exists(f.Cache.Run("mine.kubeconfig")) {
		t.Error("it is still recorded")
	}
}

func TestAFailedClusterStaysRecordedUntilItIsRemoved(t *testing.T) {
	f := setUp(t)
	err := f.Up(t.Context(), []string{"broken", "good"})
	if err == nil || !strings.Contains(err.Error(), "cluster broken") || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("error %v", err)
	}
	c, ok := f.Record.State().Cluster("broken")
	if good, _ := f.Record.State().Cluster("good"); !good.Ready || !ok || !c.Made || c.Ready {
		t.Errorf("recorded %+v", f.Record.State().Clusters)
	}
	if f.settings != 2 {
		t.Errorf("settings were restored %d times, also a failed node changes them", f.settings)
	}
	if err := f.Down(t.Context(), []string{"broken"}, true); err != nil || !f.called(t, "delete cluster --name broken") {
		t.Errorf("it was not removed: %v", err)
	}
}

func TestWhatIsOursAndDoesNotRunIsMadeAnew(t *testing.T) {
	f := setUp(t, "stopped", "half")
	if err := f.Record.Update(func(s *record.State) {
		s.Put(record.Cluster{Name: "stopped", Made: true, Ready: true})
		s.Put(record.Cluster{Name: "half", Made: true})
	}); err != nil {
		t.Fatal(err)
	}
	if err := f.Up(t.Context(), []string{"stopped", "half"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"delete cluster --name stopped", "create cluster --name stopped", "delete cluster --name half", "create cluster --name half"} {
		if !f.called(t, want) {
			t.Errorf("not called: %s", want)
		}
	}
}

func TestDownWithoutItsDockerOnlyForgets(t *testing.T) {
	f := setUp(t)
	if err := f.Record.Update(func(s *record.State) { s.Put(record.Cluster{Name: "a", Made: true}) }); err != nil {
		t.Fatal(err)
	}
	if err := f.Down(t.Context(), []string{"a"}, false); err != nil || f.called(t, "delete") {
		t.Errorf("error %v", err)
	}
	if n := len(f.Record.State().Clusters); n != 0 {
		t.Errorf("%d recorded", n)
	}
}

func TestSettingsThatCannotBeRestoredAreAnError(t *testing.T) {
	f := setUp(t)
	refused := errors.New("read-only")
	f.Settings = func() error { return refused }
	if err := f.Up(t.Context(), []string{"a"}); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
}

func TestLoad(t *testing.T) {
	f := setUp(t)
	archive := filepath.Join(t.TempDir(), "a.tar")
	if err := f.Load(t.Context(), []string{"a"}, archive); err == nil {
		t.Error("a missing archive is no error")
	}
	if err := os.WriteFile(archive, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Load(t.Context(), []string{"a", "b"}, archive); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if !f.called(t, "load image-archive "+archive+" --name "+name) {
			t.Errorf("not loaded into %s", name)
		}
	}
}
