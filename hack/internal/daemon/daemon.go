// Package daemon starts processes that outlive the tool, and stops exactly those again: a process is known by its
// identifier and the time of its start together.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"qiantang.dev/rails/hack/internal/record"
)

const (
	pollEvery = 50 * time.Millisecond
	stopGrace = 15 * time.Second // what a process gets between the request to stop and being killed
)

// Start starts a program in a session of its own, with its output added to a log file.
func Start(name, log string, argv ...string) (record.Process, error) {
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		return record.Process{}, err
	}
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return record.Process{}, err
	}
	defer func() { _ = out.Close() }()
	// The process outlives the tool, so no context may end it.
	cmd := exec.CommandContext(context.Background(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return record.Process{}, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() { _ = cmd.Wait() }() // so that its end is seen at once while the tool still runs
	start, err := startTime(cmd.Process.Pid)
	if err != nil {
		return record.Process{}, fmt.Errorf("%s has ended at once, see %s: %w", name, log, err)
	}
	return record.Process{Name: name, PID: cmd.Process.Pid, Start: start}, nil
}

// Alive says whether that very process runs.
func Alive(p record.Process) bool {
	if p.PID <= 0 {
		return false
	}
	start, err := startTime(p.PID)
	return err == nil && start == p.Start
}

// Stop asks a process to stop, waits for it, and kills it if it does not. A process that is gone, or whose identifier
// belongs to another one by now, is left alone.
func Stop(ctx context.Context, p record.Process) error {
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, stopGrace}, {syscall.SIGKILL, stopGrace}} {
		if !Alive(p) {
			return nil
		}
		if err := syscall.Kill(p.PID, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stopping %s (process %d): %w", p.Name, p.PID, err)
		}
		if Until(ctx, step.wait, func() bool { return !Alive(p) }) == nil {
			return nil
		}
	}
	return fmt.Errorf("%s (process %d) does not stop", p.Name, p.PID)
}

// Kill ends processes at once, for those that nobody is left to ask: an orphaned container's init does not heed a
// request to stop.
func Kill(ctx context.Context, processes []record.Process) error {
	for _, p := range processes {
		if !Alive(p) {
			continue
		}
		if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("killing %s (process %d): %w", p.Name, p.PID, err)
		}
	}
	for _, p := range processes {
		if err := Until(ctx, stopGrace, func() bool { return !Alive(p) }); err != nil {
			return fmt.Errorf("%s (process %d) does not end: %w", p.Name, p.PID, err)
		}
	}
	return nil
}

// Until waits for a condition. It gives up after a while, or when the context ends.
func Until(ctx context.Context, limit time.Duration, condition func() bool) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if condition() {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			return fmt.Errorf("not so after %s", limit)
		case <-tick.C:
		}
	}
}

func startTime(pid int) (uint64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(b))
}

// parseStat reads the time of the start from /proc/PID/stat. A process that has ended, though nobody has taken note of
// it, does not exist.
func parseStat(stat string) (uint64, error) {
	// The second field is the program's name in parentheses, and may hold anything, so count from its end.
	i := strings.LastIndexByte(stat, ')')
	f := strings.Fields(stat[i+1:])
	const state, start = 0, 19 // fields 3 and 22
	if i < 0 || len(f) <= start {
		return 0, fmt.Errorf("cannot read %q", stat)
	}
	if f[state] == "Z" || f[state] == "X" {
		return 0, fs.ErrNotExist
	}
	return strconv.ParseUint(f[start], 10, 64)
}

// WithArgument finds the processes that have a given argument, letter by letter, among their own.
func WithArgument(name, argument string) ([]record.Process, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var found []record.Process
	for _, d := range dirs {
		pid, err := strconv.Atoi(filepath.Base(d))
		if err != nil || pid == os.Getpid() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(d, "cmdline"))
		if err != nil { // it has ended meanwhile
			continue
		}
		args := strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")
		if filepath.Base(args[0]) != name {
			continue
		}
		for _, a := range args[1:] {
			if a != argument {
				continue
			}
			if start, err := startTime(pid); err == nil {
				found = append(found, record.Process{Name: name, PID: pid, Start: start})
			}
			break
		}
	}
	return found, nil
}

// Known describes the process that has an identifier now, if one has.
func Known(name string, pid int) (record.Process, bool) {
	start, err := startTime(pid)
	return record.Process{Name: name, PID: pid, Start: start}, err == nil
}
