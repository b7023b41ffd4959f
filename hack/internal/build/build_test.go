package build

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/progress"
)

func builder(t *testing.T) *Builder {
	t.Helper()
	return &Builder{Cache: cache.Dir(t.TempDir()), Say: progress.New(io.Discard, time.Now)}
}

func TestEnsureBuildsOnceAndLeavesNoHalfDoneProgram(t *testing.T) {
	b := builder(t)
	built, failure := 0, errors.New("compiler says no")
	p := Program{Component: "c-v1", Name: "p", make: func(_ context.Context, _ *Builder, _ Program, out string) error {
		built++
		if built == 1 { // interrupted after a part was written
			if err := os.WriteFile(out, []byte("ha"), 0o755); err != nil {
				return err
			}
			return failure
		}
		return os.WriteFile(out, []byte("half and half"), 0o755)
	}}
	if err := b.Ensure(t.Context(), p); !errors.Is(err, failure) || cache.Exists(b.Path(p)) {
		t.Fatalf("error %v; program exists: %v", err, cache.Exists(b.Path(p)))
	}
	for range 2 {
		if err := b.Ensure(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if built != 2 {
		t.Errorf("built %d times, want 2", built)
	}
	if got, err := os.ReadFile(b.Path(p)); err != nil || string(got) != "half and half" {
		t.Errorf("program %q, %v", got, err)
	}
	if all, _ := os.ReadDir(b.Cache.Bin("c-v1")); len(all) != 1 {
		t.Errorf("left behind: %v", all)
	}
}

func TestAssetsDirHasWhatEnvtestAsksFor(t *testing.T) {
	b := builder(t)
	for _, p := range Assets() {
		if err := cache.WriteFile(b.Path(p), []byte("x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var dir string
	for range 2 { // the second time everything is there
		var err error
		if dir, err = b.AssetsDir(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !HasAssets(dir) {
		t.Errorf("%s is not complete", dir)
	}
	if err := os.Remove(b.Path(EtcdServer)); err != nil {
		t.Fatal(err)
	}
	if HasAssets(dir) || HasAssets("/nowhere") {
		t.Error("an incomplete folder passes")
	}
}

func TestUnstageTakesPublishedModules(t *testing.T) {
	got, err := unstage("module k8s.io/kubernetes\n\ngo 1.26.0\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n)\n")
	want := "module qiantang.dev/rails/build\n\ngo 1.26.0\n\nreplace (\n\tk8s.io/api => k8s.io/api " + kubernetesStaging +
		"\n)\n\nrequire k8s.io/kubernetes " + Kubernetes + "\n"
	if err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := unstage("module k8s.io/kubernetes\n"); err == nil {
		t.Error("a go.mod without staging passes")
	}
}

func TestKubernetesFlagsStampBothPackages(t *testing.T) {
	f := kubernetesFlags()
	for _, want := range []string{"-s -w -X k8s.io/component-base/version.gitVersion=" + Kubernetes,
		"-X k8s.io/client-go/pkg/version.gitMinor=" + strings.Split(Kubernetes, ".")[1]} {
		if !strings.Contains(f, want) {
			t.Errorf("%q lacks %q", f, want)
		}
	}
	if "v1"+strings.TrimPrefix(kubernetesStaging, "v0") != Kubernetes {
		t.Errorf("staging modules %s do not belong to %s", kubernetesStaging, Kubernetes)
	}
}

func TestModuleDirReportsWhatTheProxySays(t *testing.T) {
	if got, err := moduleDir([]byte(`{"Path":"a","Version":"v1","Dir":"/d"}`)); err != nil || got != "/d" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range []string{`{"Path":"a","Version":"v1","Error":"403 Forbidden"}`, `{}`, `x`} {
		if _, err := moduleDir([]byte(bad)); err == nil {
			t.Errorf("no error for %s", bad)
		}
	}
}

func TestOwnProgramsChangeVersionWithTheirSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := cache.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OwnPrograms(dir); err == nil || !strings.Contains(err.Error(), "go -C hack") {
		t.Errorf("error %v", err)
	}
	const gomod = "module x\n\nrequire k8s.io/api v0.37.2\n\nrequire (\n\texample.org/other v1.0.0\n)\n"
	write("go.mod", gomod)
	write("node/pause/main.go", "package main\n\nimport _ \"k8s.io/api/core/v1\"\n")
	version := func() string {
		t.Helper()
		o, err := OwnPrograms(dir)
		if err != nil {
			t.Fatal(err)
		}
		return o.Pause.Component
	}
	first, err := OwnPrograms(dir)
	if err != nil {
		t.Fatal(err)
	}
	v := version()
	write("node/pause/main_test.go", "package main")
	write("node/README.md", "no source")
	write("go.mod", strings.Replace(gomod, "other v1.0.0", "other v1.0.1", 1))
	if got := version(); got != v {
		t.Errorf("%s became %s, though nothing changed for the programs", v, got)
	}
	write("go.mod", strings.Replace(gomod, "v0.37.2", "v0.37.3", 1))
	required := version()
	write("node/pause/main.go", "package main\n\nimport _ \"k8s.io/api/core/v1\" // changed\n")
	if changed := version(); required == v || changed == required {
		t.Errorf("versions %s, %s, %s", v, required, changed)
	}
	write("node/pause/main.go", "not Go")
	if _, err := OwnPrograms(dir); err == nil {
		t.Error("a source that cannot be read is no error")
	}
	if n := len(first.All()); n != 4 {
		t.Errorf("%d programs", n)
	}
}
