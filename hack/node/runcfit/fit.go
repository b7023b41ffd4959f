package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// capabilities in the order of their numbers (linux/capability.h).
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
	"CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
	"CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// requestFile finds, in runc's arguments, the file that holds the request: a bundle's config.json for create and run,
// a process file for exec. Other commands have none.
func requestFile(args []string) string {
	for i, a := range args {
		name, value, joined := strings.Cut(a, "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		switch name {
		case "--bundle", "-b", "-bundle":
			return filepath.Join(value, "config.json")
		case "--process", "-p", "-process":
			return value
		}
	}
	return ""
}

// boundingSet reads CapBnd from /proc/PID/status.
func boundingSet(status string) (uint64, error) {
	for line := range strings.Lines(status) {
		if v, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			return strconv.ParseUint(strings.TrimSpace(v), 16, 64)
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no line CapBnd")
}

// fitFile rewrites a request in place: runc may have been handed the file by a path that must keep its owner and mode.
func fitFile(path string, bounding uint64) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fitted, err := fit(old, bounding)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(old, fitted) {
		return nil
	}
	return os.WriteFile(path, fitted, 0o600)
}

// fit takes the capabilities that are outside the bounding set out of a request: a container's config, which has its
// process under "process", or a process alone. Everything else stays as it is, numbers to the last digit.
func fit(request []byte, bounding uint64) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(request))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	process := doc
	if p, ok := doc["process"].(map[string]any); ok {
		process = p
	}
	sets, _ := process["capabilities"].(map[string]any)
	changed := false
	for name, set := range sets {
		list, ok := set.([]any)
		if !ok {
			continue
		}
		kept := make([]any, 0, len(list))
		for _, c := range list {
			if given(c, bounding) {
				kept = append(kept, c)
			}
		}
		changed = changed || len(kept) != len(list)
		sets[name] = kept
	}
	if !changed {
		return request, nil
	}
	return json.Marshal(doc)
}

// given says whether a capability is in the bounding set. A name that is not known is left to runc to judge.
func given(name any, bounding uint64) bool {
	for i, c := range capabilities {
		if name == c {
			return bounding&(1<<i) != 0
		}
	}
	return true
}
