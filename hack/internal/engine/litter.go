package engine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// litter is what Docker makes for itself outside of its own folders, wherever its data is told to lie, innermost first:
// the containers' shims have their sockets in one, plugins are looked for in another, older versions have a key as
// their identity, and kind mounts /lib/modules into its nodes, so that Docker makes it where a machine has none.
func litter(root string) []string {
	paths := []string{"run/containerd/s", "run/containerd", "run/docker/plugins", "run/docker", "etc/docker/key.json",
		"lib/modules"}
	for i, p := range paths {
		paths[i] = filepath.Join(root, p)
	}
	return paths
}

// absent are those paths that do not exist.
func absent(paths []string) []string {
	return slices.DeleteFunc(paths, func(p string) bool {
		_, err := os.Lstat(p)
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// removeLitter removes what Docker has made. A folder that somebody else uses by now, and so is not empty, stays.
func removeLitter(made []string) error {
	for _, p := range made {
		if err := removeDeadSockets(p); err != nil {
			return err
		}
		err := os.Remove(p)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EBUSY) {
			return err
		}
	}
	return nil
}

// removeDeadSockets removes the sockets in a folder that nobody listens on any more: a killed shim leaves its own.
func removeDeadSockets(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.Type()&fs.ModeSocket == 0 || listens(path) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
