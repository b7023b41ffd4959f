package machine

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/hack/internal/progress"
)

func TestChooseTakesTheFirstPackageThatAptKnows(t *testing.T) {
	for name, tc := range map[string]struct {
		known []string
		want  []string
	}{
		"Debian 12": {[]string{"docker.io", "containerd"}, []string{"docker.io", "containerd"}},
		"Debian 13": {[]string{"docker.io", "docker-cli", "containerd"}, []string{"docker.io", "docker-cli", "containerd"}},
		"nothing":   {nil, []string{"docker.io", "containerd"}},
	} {
		t.Run(name, func(t *testing.T) {
			known := func(p string) bool {
				for _, k := range tc.known {
					if k == p {
						return true
					}
				}
				return false
			}
			if got := choose(DockerNeeds[:3], known); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestInstallTellsWhoIsNotRootWhatToRun(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "apt-get"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	say := progress.New(io.Discard, time.Now)
	err := Install(t.Context(), say, false, DockerNeeds[:4], "")
	if !errors.Is(err, ErrNotRoot) || !strings.Contains(err.Error(), "apt-get install -y --no-install-recommends docker.io containerd runc\n") {
		t.Errorf("error %v", err)
	}
	// As root, apt's failure is the tool's.
	if err := Install(t.Context(), say, true, DockerNeeds[:1], ""); err == nil || !strings.Contains(err.Error(), "apt-get update") {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(filepath.Join(bin, "apt-get")); err != nil {
		t.Fatal(err)
	}
	if err := Install(t.Context(), say, true, DockerNeeds[:1], ""); err == nil || !strings.Contains(err.Error(), "no Debian") {
		t.Errorf("error %v", err)
	}
}

func TestInstallDoesNothingWhereNothingIsMissing(t *testing.T) {
	err := Install(t.Context(), progress.New(io.Discard, time.Now), false, []Need{{"sh", []string{"dash"}}}, "")
	if err != nil {
		t.Error(err)
	}
}

func TestInstallable(t *testing.T) {
	for policy, want := range map[string]bool{
		"docker.io:\n  Installed: (none)\n  Candidate: 20.10.24\n": true,
		"docker-cli:\n  Installed: (none)\n  Candidate: (none)\n":  false,
		"": false,
	} {
		if got := installable(policy); got != want {
			t.Errorf("%q: got %v", policy, got)
		}
	}
}

func TestForbidServicesKeepsAPolicyThatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy-rc.d")
	restore, err := forbidServices(path)
	if err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm()&0o100 == 0 {
		t.Errorf("no policy: %v", err)
	}
	again, err := forbidServices(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("somebody else's policy was removed: %v", err)
	}
	if err := restore(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the policy stays: %v", err)
	}
	if _, err := forbidServices(filepath.Join(path, "x")); err == nil {
		t.Error("a policy that cannot be written is no error")
	}
}

func TestExtendPathAddsWhatIsMissingOnce(t *testing.T) {
	t.Setenv("PATH", "/bin:/usr/sbin")
	for range 2 {
		if err := ExtendPath(); err != nil {
			t.Fatal(err)
		}
	}
	if got := os.Getenv("PATH"); got != "/bin:/usr/sbin:/usr/local/sbin:/sbin" {
		t.Errorf("PATH is %s", got)
	}
}

func TestMirrorIsTheOneOfApt(t *testing.T) {
	for targets, want := range map[string]string{
		"http://security/debian-security/ Debian main\nhttp://near/debian/ Debian main\n": "http://near/debian/",
		"https://other/apt/ Google main\n":                                                publicMirror,
		"http://near/debian/ Debian contrib\n":                                            publicMirror,
		"":                                                                                publicMirror,
	} {
		if got := mirror(targets); got != want {
			t.Errorf("%q: got %s, want %s", targets, got, want)
		}
	}
}

func TestMountsBelowAreInnermostFirst(t *testing.T) {
	const info = "1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / /c rw - ext4 a rw\n3 1 0:3 / /c/x rw - proc p rw\n" +
		"4 3 0:4 / /c/x/y\\040z rw - proc p rw\n5 1 0:5 / /cc rw - proc p rw\nshort\n"
	want := []string{"/c/x/y z", "/c/x"}
	if got := mountsBelow(info, "/c/"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRemoveAllRemovesATreeWithoutMounts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	if err := os.MkdirAll(filepath.Join(dir, "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}
