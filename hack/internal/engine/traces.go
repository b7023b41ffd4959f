package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"qiantang.dev/rails/hack/internal/daemon"
	"qiantang.dev/rails/hack/internal/record"
)

const sysctlDir = "/proc/sys"

// sysctls are settings of the whole machine that kubelet and systemd change in a node, which may do so because it is
// privileged: a machine that used to wait at a kernel's oops would restart itself after them.
var sysctls = []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
	"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes", "fs/inotify/max_user_instances", "fs/inotify/max_user_watches"}

func readSysctls(dir string) (map[string]string, error) {
	values := map[string]string{}
	for _, k := range sysctls {
		b, err := os.ReadFile(filepath.Join(dir, k))
		if errors.Is(err, fs.ErrNotExist) { // this kernel does not have it
			continue
		}
		if err != nil {
			return nil, err
		}
		values[k] = strings.TrimSpace(string(b))
	}
	return values, nil
}

// writeSysctls puts back what has changed. A setting that is as it was is not written: not everyone may.
func writeSysctls(dir string, values map[string]string) error {
	for k, v := range values {
		path := filepath.Join(dir, k)
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(b)) == v {
			continue
		}
		if err := os.WriteFile(path, []byte(v+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// RestoreSysctls undoes what starting a node has changed for the whole machine.
func (p *Private) RestoreSysctls() error {
	s := p.Record.State()
	if s.Docker == nil {
		return nil
	}
	return writeSysctls(sysctlDir, s.Docker.Sysctls)
}

// cgroups lists the folders of the containers' cgroup: one in each hierarchy of version 1, one in all of version 2.
func cgroups() ([]string, error) {
	v1, err := filepath.Glob("/sys/fs/cgroup/*/" + cgroup)
	if err != nil {
		return nil, err
	}
	v2, err := filepath.Glob("/sys/fs/cgroup/" + cgroup)
	return append(v1, v2...), err
}

// ours are those cgroups that were not there before.
func ours(before []string) ([]string, error) {
	all, err := cgroups()
	return slices.DeleteFunc(all, func(c string) bool { return slices.Contains(before, c) }), err
}

// processesIn lists the processes in the tool's cgroups.
func processesIn(before []string) ([]record.Process, error) {
	tops, err := ours(before)
	if err != nil {
		return nil, err
	}
	pids := map[int]bool{}
	for _, top := range tops {
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) { // it was removed meanwhile
				return nil
			}
			if err != nil || d.Name() != "cgroup.procs" {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil { // likewise; and threaded cgroups of version 2 have no list
				return nil //nolint:nilerr // what is gone or has no list holds no process of ours
			}
			for _, f := range strings.Fields(string(b)) {
				if pid, err := strconv.Atoi(f); err == nil && pid > 0 {
					pids[pid] = true
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	var found []record.Process
	for pid := range pids {
		if p, ok := daemon.Known("container process", pid); ok {
			found = append(found, p)
		}
	}
	return found, nil
}

// removeCgroups removes the tool's cgroups. The kernel keeps one for a moment after its last process has ended.
func removeCgroups(ctx context.Context, before []string) error {
	var last error
	err := daemon.Until(ctx, 10*time.Second, func() bool {
		var tops []string
		if tops, last = ours(before); last != nil {
			return false
		}
		for _, top := range tops {
			if last = removeTree(top); last != nil {
				return false
			}
		}
		return true
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

// removeTree removes folders from the innermost outwards; the files of a cgroup go with its folder.
func removeTree(top string) error {
	var dirs []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(dirs)
	for _, d := range dirs {
		if err := os.Remove(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
