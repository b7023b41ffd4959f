package rootfs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/command"
	"qiantang.dev/rails/hack/internal/machine"
	"qiantang.dev/rails/hack/internal/progress"
)

// suite is the newest Debian whose systemd (252) still runs on cgroup v1; kind's own base, trixie, has 257, which does
// not.
const suite = "bookworm"

// packages are those of kind's base image without network storage, which nobody here mounts, and with Debian's runc.
var packages = []string{"systemd", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux", "mount", "kmod",
	"libseccomp2", "pigz", "e2fsprogs", "bash", "ca-certificates", "curl", "jq", "procps", "runc"}

// Version names the Debian that the node is made of: its suite and a hash of its packages.
func Version() string {
	sum := sha256.Sum256([]byte(strings.Join(packages, " ")))
	return suite + "-" + hex.EncodeToString(sum[:])[:12]
}

// Debian makes a plain Debian with the node's packages and returns its folder. It is made once.
func Debian(ctx context.Context, dir cache.Dir, say *progress.Printer) (string, error) {
	final := dir.Path("rootfs", Version())
	if cache.Exists(final) {
		return final, nil
	}
	tmp := final + ".tmp"
	err := say.Step("unpacking Debian "+suite+" for the nodes", "first run only, about 1 min", func() error {
		if err := machine.RemoveAll(tmp); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
			return err
		}
		cmd := command.New("debootstrap", "--variant=minbase", "--include="+strings.Join(packages, ","), suite, tmp,
			machine.DebianMirror(ctx)).Logged(dir.Log("debootstrap"))
		if err := cmd.Run(ctx); err != nil {
			return err
		}
		if err := machine.UnmountBelow(tmp); err != nil {
			return err
		}
		return os.Rename(tmp, final)
	})
	return final, err
}
