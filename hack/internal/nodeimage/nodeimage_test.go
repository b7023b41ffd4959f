package nodeimage

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qiantang.dev/rails/hack/internal/build"
	"qiantang.dev/rails/hack/internal/machine"
)

const (
	everything  = 1<<41 - 1
	sysResource = 1 << 24
)

func TestUnfitSaysWhyTheStockImageDoesNotRun(t *testing.T) {
	for name, tc := range map[string]struct {
		facts machine.Facts
		want  string
	}{
		"a usual machine": {machine.Facts{Bounding: everything}, ""},
		"cgroup v1":       {machine.Facts{Bounding: everything, CgroupV1: true}, "cgroup v1"},
		"a capability":    {machine.Facts{Bounding: everything &^ sysResource}, "CAP_SYS_RESOURCE"},
	} {
		t.Run(name, func(t *testing.T) {
			got := unfit(tc.facts)
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestNameOfABuiltImageFollowsWhatGoesIntoIt(t *testing.T) {
	a := &Provider{Facts: machine.Facts{Bounding: everything}}
	b := &Provider{Facts: machine.Facts{Bounding: everything &^ sysResource}}
	c := &Provider{Facts: a.Facts, Own: build.Own{Kindnetd: build.Program{Component: "own-2"}}}
	same := &Provider{Facts: a.Facts}
	if a.built() != same.built() || a.built() == b.built() || a.built() == c.built() {
		t.Errorf("%s, %s, %s", a.built(), b.built(), c.built())
	}
	if !strings.HasPrefix(a.built(), repository+":"+build.Kubernetes+"-") {
		t.Errorf("name %s", a.built())
	}
}

func TestConstantsOfKind(t *testing.T) {
	dir := t.TempDir()
	src := "package x\n\nconst Image = \"kindest/node:v1@sha256:1\"\n\nconst kindnetdImage = \"docker.io/kindest/kindnetd:v2\"\n"
	if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := constant(dir, "x.go", stockLine)
	if err != nil || withoutDigest(got) != "kindest/node:v1" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := constant(dir, "x.go", cniLine); err != nil || got != "docker.io/kindest/kindnetd:v2" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := constant(dir, "x.go", helperLine); err == nil || !strings.Contains(err.Error(), "laid out anew") {
		t.Errorf("error %v", err)
	}
	if _, err := constant(dir, "y.go", helperLine); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestByName(t *testing.T) {
	got := byName("registry.k8s.io/kube-proxy:v1.37.2\nregistry.k8s.io/coredns/coredns:v1.14.6\nhost:5000/etcd:3\n")
	for name, want := range map[string]string{"kube-proxy": "registry.k8s.io/kube-proxy:v1.37.2",
		"coredns": "registry.k8s.io/coredns/coredns:v1.14.6", "etcd": "host:5000/etcd:3"} {
		if got[name] != want {
			t.Errorf("%s: got %q", name, got[name])
		}
	}
}

func TestIngredientsNeedRoot(t *testing.T) {
	if _, err := (&Provider{}).Ingredients(t.Context()); err == nil || !strings.Contains(err.Error(), "as root") {
		t.Errorf("error %v", err)
	}
}

func TestPackKeepsNamesAndModes(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "kubernetes/server"), 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "p")
	if err := os.WriteFile(program, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := linkOrCopy(program, filepath.Join(dir, "kubernetes/server/p")); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "a.tar.gz")
	if err := pack(t.Context(), archive, dir, "kubernetes"); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Name == "kubernetes/server/p" && h.Mode&0o777 != 0o755 {
			t.Errorf("mode %o", h.Mode)
		}
	}
	if got := strings.Join(names, " "); got != "kubernetes/ kubernetes/server/ kubernetes/server/p" {
		t.Errorf("names %s", got)
	}
	if err := pack(t.Context(), archive, dir, "nothing"); err == nil {
		t.Error("a missing folder is no error")
	}
	if err := linkOrCopy("/no/such/file", filepath.Join(dir, "q")); err == nil {
		t.Error("a missing file is no error")
	}
}
