package envtesting

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// supervised tells the process that runs the tests from the one that watches over it.
const supervised = "QIANTANG_ENVTEST_SUPERVISED"

// supervise runs this test program once more and returns its exit code, when it has ended in whatever way: a panic or a time-out of a
// test ends the program without running anything deferred, and API servers with their data would be left behind. So they become
// this process's children (PR_SET_CHILD_SUBREAPER), and what is left of them is killed and removed.
func supervise() (code int) {
	dir, err := os.MkdirTemp("", "envtesting-")
	if err != nil {
		return failed(err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			code = failed(err)
		}
	}()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return failed(err)
	}
	// Signals are for the child, which stops its servers by itself; this process ends after it.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	//nolint:noctx // the test program ends by its own -test.timeout
	tests := exec.Command(os.Args[0], os.Args[1:]...)
	tests.Stdin, tests.Stdout, tests.Stderr = os.Stdin, os.Stdout, os.Stderr
	tests.Env = append(os.Environ(), supervised+"=1", "TMPDIR="+dir)
	tests.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := tests.Start(); err != nil {
		return failed(err)
	}
	go func() {
		for s := range signals {
			_ = tests.Process.Signal(s) // it may have ended
		}
	}()
	err = tests.Wait()
	for _, pid := range orphans() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may be ending
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		return max(1, ended.ExitCode())
	case err != nil:
		return failed(err)
	}
	return 0
}

// orphans are this process's children, now that the one it started has ended.
func orphans() (pids []int) {
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		b, err := os.ReadFile("/proc/self/task/" + t.Name() + "/children")
		if err != nil {
			continue // the thread has ended
		}
		for _, f := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(f); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "envtesting:", err)
	return 1
}
