package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// static builds a static program, as the image takes it.
func static(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "main.go")
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "p")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", out, src)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return out
}

// tree reads an image's flattened files from an archive.
func tree(t *testing.T, archive, ref string) (map[string]*tar.Header, *v1.ConfigFile) {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	img, err := tarball.ImageFromPath(archive, &tag)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*tar.Header{}
	rc := mutate.Extract(img)
	defer func() { _ = rc.Close() }()
	for tr := tar.NewReader(rc); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return files, config
		}
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(h.Name, "/")] = h
	}
}

func TestAppIsReproducibleAndRunsWithoutRights(t *testing.T) {
	bin := static(t)
	data := filepath.Join(t.TempDir(), "data.csv")
	if err := os.WriteFile(data, []byte("a,b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var archives [][]byte
	for _, out := range []string{"a.tar", "b.tar"} {
		img, err := App{Ref: "example.local/app:v1", Binary: bin, Files: []string{data + ":/srv/data.csv", bin + ":/bin/tool"}}.Build()
		if err != nil {
			t.Fatal(err)
		}
		if err := Save(filepath.Join(dir, out), img); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, out))
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, b)
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the same files give two images")
	}
	files, config := tree(t, filepath.Join(dir, "a.tar"), "example.local/app:v1")
	for path, mode := range map[string]int64{"qiantang": 0o755, "tmp": 0o1777, "srv/data.csv": 0o644, "bin/tool": 0o755, "etc/passwd": 0o644} {
		h := files[path]
		if h == nil || h.Mode&0o7777 != mode || h.Uid != 0 || h.ModTime.Unix() > 0 {
			t.Errorf("%s is %+v", path, h)
		}
	}
	c := config.Config
	if c.User != "65532:65532" || !reflect.DeepEqual(c.Entrypoint, []string{"/qiantang"}) || config.OS != "linux" || config.Created.Unix() > 0 {
		t.Errorf("config %+v", config)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".tmp-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestAppRefusesWhatCannotRun(t *testing.T) {
	bin, text := static(t), filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		app App
		err string
	}{
		"script":          {App{Ref: "a:b", Binary: text}, "is no Linux program"},
		"missing":         {App{Ref: "a:b", Binary: text + "x"}, "no such file"},
		"bad name":        {App{Ref: "a b", Binary: bin}, `"a b"`},
		"pair":            {App{Ref: "a:b", Binary: bin, Files: []string{"x"}}, `"x": expected SOURCE:/PATH`},
		"relative target": {App{Ref: "a:b", Binary: bin, Files: []string{bin + ":x"}}, "expected SOURCE:/PATH"},
		"missing file":    {App{Ref: "a:b", Binary: bin, Files: []string{bin + "x:/x"}}, "no such file"},
		"folder":          {App{Ref: "a:b", Binary: bin, Files: []string{"/:/x"}}, "not a regular file"},
		"twice":           {App{Ref: "a:b", Binary: bin, Files: []string{bin + ":/qiantang"}}, "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tc.app.Build(); err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
		})
	}
}

func TestAppRefusesDynamicPrograms(t *testing.T) {
	for _, p := range []string{"/usr/bin/env", "/bin/sh"} {
		if strings.Contains(errorText(checkStatic(p)), "CGO_ENABLED=0") {
			return
		}
	}
	t.Skip("this machine's own programs are static")
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestSaveNamesEveryImageFirst(t *testing.T) {
	layer, err := Layer(Entry{Path: "/a/b", Mode: 0o644, Content: []byte("x")}, Entry{Path: "/l", Link: "a/b", Mode: 0o777})
	if err != nil {
		t.Fatal(err)
	}
	var images []Image
	for _, ref := range []string{"registry.example/kube-proxy:v1", "docker.io/kindest/kindnetd:v2"} {
		img, err := New(ref, v1.Config{}, layer)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, img)
	}
	path := filepath.Join(t.TempDir(), "deep", "x.tar")
	if err := Save(path, images...); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	tr := tar.NewReader(f)
	h, err := tr.Next()
	if err != nil || h.Name != "repositories" {
		t.Fatalf("first member %+v, %v", h, err)
	}
	var repos map[string]map[string]string
	if err := json.NewDecoder(tr).Decode(&repos); err != nil {
		t.Fatal(err)
	}
	if repos["registry.example/kube-proxy"]["v1"] == "" || repos["docker.io/kindest/kindnetd"]["v2"] == "" || len(repos) != 2 {
		t.Errorf("repositories %v", repos)
	}
	files, _ := tree(t, path, "registry.example/kube-proxy:v1")
	if files["l"] == nil || files["l"].Linkname != "a/b" || files["a"] == nil || files["a"].Typeflag != tar.TypeDir {
		t.Errorf("files %v", files)
	}
	if err := Save(path, images[0], images[0]); err == nil {
		t.Error("an image twice is no error")
	}
	if err := Save("/dev/null/x", images[0]); err == nil {
		t.Error("a place that cannot be written is no error")
	}
}

func TestLayerRefusesRelativeAndDoublePaths(t *testing.T) {
	for _, bad := range [][]Entry{{{Path: "a"}}, {{Path: "/a"}, {Path: "//a"}}, {{Path: "/a", Source: "/no/such/file"}}} {
		if _, err := Layer(bad...); err == nil {
			t.Errorf("no error for %+v", bad)
		}
	}
}

func TestProgramLiesOverItsLayers(t *testing.T) {
	below, err := Layer(Entry{Path: "/usr/sbin/tool", Mode: 0o755, Content: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	img, err := Program("x/y:v1", "/usr/local/bin/p", static(t), below)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.tar")
	if err := Save(path, img); err != nil {
		t.Fatal(err)
	}
	files, config := tree(t, path, "x/y:v1")
	if files["usr/sbin/tool"] == nil || files["usr/local/bin/p"] == nil || config.Config.Entrypoint[0] != "/usr/local/bin/p" {
		t.Errorf("files %v, config %+v", files, config.Config)
	}
	if _, err := Program("x/y:v1", "/p", "/no/such/file"); err == nil {
		t.Error("a missing program is no error")
	}
}

func TestFetchCopiesFromARegistry(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	ref, err := name.NewTag(host + "/kindest/node:v1")
	if err != nil {
		t.Fatal(err)
	}
	img, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.tar")
	if err := Fetch(t.Context(), ref.String()+"@"+digest.String(), "kindest/node:v1", path); err != nil {
		t.Fatal(err)
	}
	tree(t, path, "kindest/node:v1")
	for _, bad := range []string{host + "/kindest/node:v2", "not a name"} {
		if err := Fetch(t.Context(), bad, "a:b", path); err == nil {
			t.Errorf("no error for %s", bad)
		}
	}
	server.Close()
	if err := Fetch(context.Background(), ref.String(), "a:b", path); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("error %v", err)
	}
}
