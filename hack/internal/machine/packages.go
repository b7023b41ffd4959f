package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"qiantang.dev/rails/hack/internal/command"
	"qiantang.dev/rails/hack/internal/progress"
)

// Need is a program that a step runs, and the Debian packages that may bring it: the first of them that the machine's
// apt knows is taken (Debian 13 has docker's client in a package of its own).
type Need struct {
	Program  string
	Packages []string
}

// DockerNeeds is what a private Docker takes.
var DockerNeeds = []Need{
	{"dockerd", []string{"docker.io"}},
	{"docker", []string{"docker-cli", "docker.io"}},
	{"containerd", []string{"containerd"}},
	{"runc", []string{"runc"}},
	{"iptables", []string{"iptables"}},
	{"ip", []string{"iproute2"}},
	{"nsenter", []string{"util-linux"}},
}

// RootfsNeeds is what making a node's root filesystem takes.
var RootfsNeeds = []Need{
	{"debootstrap", []string{"debootstrap"}},
	{"tar", []string{"tar"}},
	{"chroot", []string{"coreutils"}},
}

// sbin is where Debian has programs that a user's PATH may lack.
var sbin = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// ExtendPath makes administration programs findable.
func ExtendPath() error {
	have := filepath.SplitList(os.Getenv("PATH"))
	for _, d := range sbin {
		found := false
		for _, h := range have {
			found = found || h == d
		}
		if !found {
			have = append(have, d)
		}
	}
	return os.Setenv("PATH", strings.Join(have, string(filepath.ListSeparator)))
}

// Missing lists the needs whose program is not installed.
func Missing(needs []Need) []Need {
	var missing []Need
	for _, n := range needs {
		if _, err := exec.LookPath(n.Program); err != nil {
			missing = append(missing, n)
		}
	}
	return missing
}

// ErrNotRoot says that packages are missing and cannot be installed by this user.
var ErrNotRoot = errors.New("not root")

// Install installs what brings the missing programs, by apt-get, and names it. No service is started by that. Who is
// not root gets an error with the command to run.
func Install(ctx context.Context, say *progress.Printer, root bool, needs []Need, log string) error {
	missing := Missing(needs)
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("missing programs: %s; this is no Debian, so install them by hand", programs(missing))
	}
	if !root {
		return fmt.Errorf("%w: missing programs: %s; run\n\n    sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n\nand then this again, as root",
			ErrNotRoot, programs(missing), strings.Join(choose(missing, func(string) bool { return false }), " "))
	}
	apt := func(args ...string) command.Cmd {
		return command.New("apt-get", args...).WithEnv("DEBIAN_FRONTEND=noninteractive").Logged(log)
	}
	if err := say.Step("apt-get update", "", func() error { return apt("update").Run(ctx) }); err != nil {
		return err
	}
	pkgs := choose(missing, func(p string) bool {
		out, err := command.New("apt-cache", "policy", p).Output(ctx)
		return err == nil && installable(out)
	})
	return say.Step("installing Debian packages "+strings.Join(pkgs, " "), "", func() (err error) {
		restore, err := forbidServices("/usr/sbin/policy-rc.d")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, restore()) }()
		if err := apt(append([]string{"install", "-y", "--no-install-recommends"}, pkgs...)...).Run(ctx); err != nil {
			return err
		}
		if left := Missing(missing); len(left) > 0 {
			return fmt.Errorf("still missing after that: %s", programs(left))
		}
		return nil
	})
}

// installable reads `apt-cache policy PACKAGE`: whether there is a version to be had.
func installable(policy string) bool {
	for line := range strings.Lines(policy) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "Candidate:"); ok {
			return strings.TrimSpace(v) != "(none)"
		}
	}
	return false
}

// choose takes one package for each need: the first that is known, else the last.
func choose(needs []Need, known func(string) bool) []string {
	var pkgs []string
	seen := map[string]bool{}
	for _, n := range needs {
		pick := n.Packages[len(n.Packages)-1]
		for _, p := range n.Packages {
			if known(p) {
				pick = p
				break
			}
		}
		if !seen[pick] {
			seen[pick] = true
			pkgs = append(pkgs, pick)
		}
	}
	return pkgs
}

func programs(needs []Need) string {
	var s []string
	for _, n := range needs {
		s = append(s, n.Program)
	}
	return strings.Join(s, ", ")
}

// forbidServices keeps packages from starting their services while they are installed, by Debian's own means. A policy
// that is there already stays.
func forbidServices(path string) (restore func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString("#!/bin/sh\nexit 101\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return func() error { return os.Remove(path) }, nil
}
