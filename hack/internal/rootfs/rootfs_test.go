package rootfs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qiantang.dev/rails/hack/internal/image"
)

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			if err := os.Symlink(target, p); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func byPath(entries []image.Entry) map[string]image.Entry {
	m := map[string]image.Entry{}
	for _, e := range entries {
		m[e.Path] = e
	}
	return m
}

func TestStageFollowsLinksAndKeepsMergedUsr(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"bin":                          "-> usr/bin",
		"sbin":                         "-> usr/sbin",
		"lib":                          "-> usr/lib",
		"usr/bin/dash":                 "shell",
		"usr/bin/sh":                   "-> dash",
		"usr/lib/x":                    "x",
		"usr/sbin/iptables":            "-> /etc/alternatives/iptables",
		"etc/alternatives/iptables":    "-> /sbin/iptables-nft",
		"usr/sbin/iptables-nft":        "-> xtables-nft-multi",
		"usr/sbin/xtables-nft-multi":   "program",
		"usr/sbin/xtables-left-behind": "not asked for",
	})
	entries, err := Stage(root, []string{"/usr/sbin/ip*tables*", "/bin/sh"})
	if err != nil {
		t.Fatal(err)
	}
	got := byPath(entries)
	for p, link := range map[string]string{"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/usr/bin/sh": "dash",
		"/usr/sbin/iptables": "/etc/alternatives/iptables", "/etc/alternatives/iptables": "/sbin/iptables-nft",
		"/usr/sbin/iptables-nft": "xtables-nft-multi", "/usr/sbin/xtables-nft-multi": "", "/usr/bin/dash": ""} {
		e, ok := got[p]
		if !ok || e.Link != link || link == "" && e.Source == "" {
			t.Errorf("%s is %+v, want a link to %q", p, e, link)
		}
	}
	if len(got) != 9 {
		t.Errorf("%d entries: %+v", len(got), entries)
	}
	if _, err := image.Layer(entries...); err != nil {
		t.Error(err)
	}
}

func TestStageTakesLibrariesOfPrograms(t *testing.T) {
	if _, err := os.Stat("/usr/lib/x86_64-linux-gnu/libc.so.6"); err != nil {
		t.Skip("this machine does not have its libraries where Debian has them")
	}
	entries, err := Stage("/", []string{"/usr/bin/sh"})
	if err != nil {
		t.Fatal(err)
	}
	libc, interpreter := false, false
	for p := range byPath(entries) {
		libc = libc || strings.HasSuffix(p, "/libc.so.6")
		interpreter = interpreter || strings.HasPrefix(filepath.Base(p), "ld-linux")
	}
	if !libc || !interpreter {
		t.Errorf("libc %v, interpreter %v: %+v", libc, interpreter, entries)
	}
}

func TestStageErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		files   map[string]string
		pattern string
		err     string
	}{
		"nothing matches": {nil, "/x*", "nothing in"},
		"dangling link":   {map[string]string{"a": "-> b"}, "/a", "no such file"},
		"links in a ring": {map[string]string{"d": "-> e", "e": "-> d", "a": "-> d/x"}, "/a", "more than 40 links"},
		"broken program":  {map[string]string{"a": "\x7fELFrest"}, "/a", "/a"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, tc.files)
			if _, err := Stage(root, []string{tc.pattern}); err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
		})
	}
}

func TestCriBaseAddsTheHookAndTakesLimitsOut(t *testing.T) {
	b, err := criBase([]byte(`{"process":{"rlimits":[1],"args":["x"]},"hooks":{"createContainer":[{"path":"/old"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Process map[string]any
		Hooks   struct{ CreateContainer []struct{ Path string } }
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Process["rlimits"] != nil || got.Process["args"] == nil || len(got.Hooks.CreateContainer) != 2 ||
		got.Hooks.CreateContainer[1].Path != "/kind/bin/mount-product-files.sh" {
		t.Errorf("got %s", b)
	}
	for _, bad := range []string{"", "{}"} {
		if _, err := criBase([]byte(bad)); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestKindFilesGetTheModesOfKindsDockerfile(t *testing.T) {
	kind, dir := t.TempDir(), t.TempDir()
	write(t, kind, map[string]string{
		"images/base/files/usr/local/bin/entrypoint":       "new",
		"images/base/files/kind/bin/x.sh":                  "x",
		"images/base/files/etc/systemd/system/k.service":   "x",
		"images/base/files/etc/containerd/config.toml":     "x",
		"images/base/files/kind/README.txt":                "x",
		"images/base/files/etc/systemd/system/d/10-k.conf": "x",
	})
	write(t, dir, map[string]string{"usr/local/bin/entrypoint": "old"})
	if err := (Spec{Kind: kind}).layKindFiles(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"usr/local/bin/entrypoint": 0o755, "kind/bin/x.sh": 0o755,
		"etc/systemd/system/k.service": 0o644, "kind/README.txt": 0o644, "etc/systemd/system/d/10-k.conf": 0o644} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, fi, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "usr/local/bin/entrypoint")); err != nil || string(b) != "new" {
		t.Errorf("entrypoint %q, %v", b, err)
	}
}

func TestContainerdIsFittedToTheMachine(t *testing.T) {
	ctr := filepath.Join(t.TempDir(), "ctr")
	if err := os.WriteFile(ctr, []byte("#!/bin/sh\necho '{\"process\":{}}'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		config   string
		restrict bool
		want     string
		err      bool
	}{
		"as it is":     {"x\n  restrict_oom_score_adj = false\n", false, "x\n  restrict_oom_score_adj = false\n", false},
		"restricted":   {"x\n  restrict_oom_score_adj = false\n", true, "x\n  restrict_oom_score_adj = true\n", false},
		"another kind": {"x\n", true, "x\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"etc/containerd/config.toml": tc.config})
			err := (Spec{Ctr: ctr, RestrictOOM: tc.restrict}).configureContainerd(t.Context(), dir)
			got, _ := os.ReadFile(filepath.Join(dir, "etc/containerd/config.toml"))
			if (err != nil) != tc.err || string(got) != tc.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestSlimAndInstall(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"usr/share/doc/a/b": "x", "var/cache/apt/archives/a.deb": "x", "var/log/a.log": "x",
		"etc/machine-id": "id", "etc/hosts": "x", "opt/cni/bin/ptp": "old"})
	if err := slim(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"usr/share/doc": false, "var/cache/apt/archives/a.deb": false, "var/log/a.log": false,
		"etc/hosts": true, "etc/machine-id": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := Spec{Programs: map[string]string{"opt/cni/bin/ptp": filepath.Join(dir, "etc/hosts")}}
	if err := s.installPrograms(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "opt/cni/bin/ptp")); err != nil || fi.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", fi, err)
	}
	if err := (Spec{Programs: map[string]string{"x": "/no/such/file"}}).installPrograms(t.Context(), dir); err == nil {
		t.Error("a missing program is no error")
	}
}
