package rootfs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"qiantang.dev/rails/hack/internal/command"
	"qiantang.dev/rails/hack/internal/machine"
)

// Spec says what becomes a node's root filesystem.
type Spec struct {
	Debian   string            // folder that Debian returned; it is copied
	Kind     string            // sources of the kind module
	Programs map[string]string // path in the node: file on this machine
	Ctr      string            // the node's ctr, which prints the runtime's default specification

	// RestrictOOM is for machines without CAP_SYS_RESOURCE: there no process may have a lower oom_score_adj than the
	// one that starts it.
	RestrictOOM bool
}

// Make builds the root filesystem in dir, which is removed first.
func (s Spec) Make(ctx context.Context, dir string) error {
	if err := machine.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := command.New("cp", "-a", "--reflink=auto", s.Debian, dir).Run(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context, string) error{slim, s.layKindFiles, tameSystemd, s.installPrograms, s.configureContainerd} {
		if err := step(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

// slim takes out what a node has no use for.
func slim(_ context.Context, dir string) error {
	for _, pattern := range []string{"var/cache/apt/archives/*.deb", "var/lib/apt/lists/*", "usr/share/doc", "usr/share/man",
		"usr/share/locale", "usr/share/info", "var/log/*.log"} {
		if err := removeGlob(dir, pattern); err != nil {
			return err
		}
	}
	// Empty, not missing: systemd then gives each node an identity of its own.
	return os.WriteFile(filepath.Join(dir, "etc/machine-id"), nil, 0o444)
}

// layKindFiles copies what kind's base image has on top of Debian, with the modes of kind's own Dockerfile.
func (s Spec) layKindFiles(_ context.Context, dir string) error {
	root := filepath.Join(s.Kind, "images/base/files")
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(rel, "usr/local/bin/") || strings.HasPrefix(rel, "kind/bin/") {
			mode = 0o755
		}
		return copyFile(path, to, mode)
	})
}

// tameSystemd leaves systemd only what a node needs: what it would start by itself expects a machine of its own.
func tameSystemd(ctx context.Context, dir string) error {
	for _, pattern := range []string{
		"lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
		"lib/systemd/system/multi-user.target.wants/*",
		"etc/systemd/system/*.wants/*",
		"lib/systemd/system/local-fs.target.wants/*",
		"lib/systemd/system/sockets.target.wants/*udev*",
		"lib/systemd/system/sockets.target.wants/*initctl*",
		"lib/systemd/system/basic.target.wants/*",
	} {
		if err := removeGlob(dir, pattern); err != nil {
			return err
		}
	}
	if err := appendTo(filepath.Join(dir, "etc/systemd/journald.conf"), "ReadKMsg=no\n"); err != nil {
		return err
	}
	init := filepath.Join(dir, "sbin/init")
	if err := os.RemoveAll(init); err != nil {
		return err
	}
	if err := os.Symlink("/usr/lib/systemd/systemd", init); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"enable", "kubelet.service", "containerd.service", "undo-mount-hacks.service"},
		{"mask", "systemd-binfmt.service"}, // it would register things for the whole machine
	} {
		if err := command.New("chroot", append([]string{dir, "systemctl"}, args...)...).Run(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s Spec) installPrograms(_ context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "etc/kubernetes/manifests"), 0o755); err != nil {
		return err
	}
	for to, from := range s.Programs {
		to = filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := copyFile(from, to, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// configureContainerd writes the specification that each container starts from, and fits the configuration to the
// machine.
func (s Spec) configureContainerd(ctx context.Context, dir string) error {
	out, err := command.New(s.Ctr, "oci", "spec").Output(ctx)
	if err != nil {
		return err
	}
	spec, err := criBase([]byte(out))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "etc/containerd/cri-base.json"), spec, 0o644); err != nil {
		return err
	}
	if !s.RestrictOOM {
		return nil
	}
	path := filepath.Join(dir, "etc/containerd/config.toml")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const off, on = "restrict_oom_score_adj = false", "restrict_oom_score_adj = true"
	if strings.Count(string(b), off) != 1 {
		return fmt.Errorf("kind's configuration of containerd does not have %q once: it is laid out anew", off)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(b), off, on, 1)), 0o644)
}

// criBase adds kind's hook to a runtime specification and takes its limits out, as kind does.
func criBase(spec []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(spec, &doc); err != nil {
		return nil, fmt.Errorf("reading `ctr oci spec`: %w", err)
	}
	process, ok := doc["process"].(map[string]any)
	if !ok {
		return nil, errors.New("`ctr oci spec` has no process")
	}
	delete(process, "rlimits")
	hooks, _ := doc["hooks"].(map[string]any)
	if hooks == nil {
		hooks = map[string]any{}
	}
	list, _ := hooks["createContainer"].([]any)
	hooks["createContainer"] = append(list, map[string]any{"path": "/kind/bin/mount-product-files.sh"})
	doc["hooks"] = hooks
	return json.Marshal(doc)
}

func removeGlob(dir, pattern string) error {
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return err
	}
	for _, f := range found {
		if err := os.RemoveAll(f); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string, mode os.FileMode) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	// An existing file would keep its mode, a link its target.
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.WriteFile(to, b, mode); err != nil {
		return err
	}
	return os.Chmod(to, mode)
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
