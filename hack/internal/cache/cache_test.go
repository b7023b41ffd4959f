package cache

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestLocateTakesTheFirstPlaceThatIsSet(t *testing.T) {
	tmp := t.TempDir()
	for name, tc := range map[string]struct {
		env  map[string]string
		want string
		err  string
	}{
		"own variable":      {map[string]string{Env: tmp + "/a/", "XDG_CACHE_HOME": tmp + "/x", "HOME": tmp}, tmp + "/a", ""},
		"XDG":               {map[string]string{"XDG_CACHE_HOME": tmp + "/x", "HOME": tmp}, tmp + "/x/qiantang", ""},
		"home":              {map[string]string{"HOME": tmp}, tmp + "/.cache/qiantang", ""},
		"nothing":           {nil, "", "none of QIANTANG_CACHE, XDG_CACHE_HOME and HOME"},
		"relative":          {map[string]string{Env: "here"}, "", `"here" is not an absolute path`},
		"cannot be created": {map[string]string{Env: "/dev/null/x"}, "", "making the cache folder"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Locate(func(k string) string { return tc.env[k] })
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || string(got) != tc.want {
				t.Fatalf("got %q, %v; want %q", got, err, tc.want)
			}
			if !Exists(tc.want) {
				t.Errorf("%s was not made", tc.want)
			}
		})
	}
}

func TestWriteFileReplacesInOneStepAndLeavesNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "f")
	for _, content := range []string{"one", "two"} {
		if err := WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != content {
			t.Fatalf("read %q, %v", b, err)
		}
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	if err := WriteFile(filepath.Join(dir, "new"), nil, 0o600); err == nil {
		t.Error("a folder was replaced by a file")
	}
	for _, d := range []string{dir, filepath.Join(dir, "new")} {
		if left, _ := filepath.Glob(filepath.Join(d, ".tmp-*")); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}

func TestLockIsHeldByOneAtATime(t *testing.T) {
	d := Dir(t.TempDir())
	release, err := d.Lock("x")
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	var held atomic.Bool
	held.Store(true)
	go func() {
		release, err := d.Lock("x")
		if err == nil {
			if held.Load() {
				t.Error("both hold the lock")
			}
			release()
		}
		second <- err
	}()
	other, err := d.Lock("y") // another lock is not in the way
	if err != nil {
		t.Fatal(err)
	}
	other()
	held.Store(false)
	release()
	if err := <-second; err != nil {
		t.Error(err)
	}
}

func TestCheckSocketBoundsThePath(t *testing.T) {
	if err := CheckSocket(strings.Repeat("x", maxSocketPath)); err != nil {
		t.Error(err)
	}
	if err := CheckSocket(strings.Repeat("x", maxSocketPath+1)); err == nil || !strings.Contains(err.Error(), Env) {
		t.Errorf("error %v", err)
	}
}
