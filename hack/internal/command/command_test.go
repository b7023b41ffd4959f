package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestOutputIsStandardOutputAlone(t *testing.T) {
	out, err := New("sh", "-c", "echo $X; pwd; echo noise >&2").WithEnv("X=1").InDir("/").Output(t.Context())
	if err != nil || out != "1\n/\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestFailureCarriesTheLastLinesAndTheLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "sub", "x.log")
	err := New("sh", "-c", "for i in $(seq 40); do echo line $i; done; exit 3").Logged(log).Run(t.Context())
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("error %v", err)
	}
	if strings.Contains(failed.Said, "line 25\n") || !strings.Contains(failed.Said, "line 26\n") ||
		!strings.HasSuffix(failed.Said, "line 40") {
		t.Errorf("said %q", failed.Said)
	}
	if !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), log) {
		t.Errorf("error %q", err)
	}
	b, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(b), "line 1\n") || !strings.HasPrefix(string(b), "$ sh -c") {
		t.Errorf("log %q, %v", b, err)
	}
}

func TestMissingProgramIsNamed(t *testing.T) {
	err := New("no-such-program-here").Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no-such-program-here is not installed") {
		t.Errorf("error %v", err)
	}
}

func TestUnwritableLogIsAnError(t *testing.T) {
	for _, log := range []string{"/dev/null/x/y", t.TempDir()} {
		if err := New("true").Logged(log).Run(t.Context()); err == nil {
			t.Errorf("no error for log %s", log)
		}
	}
}

func TestEndOfContextStopsChildrenToo(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	done := make(chan error)
	go func() {
		done <- New("sh", "-c", "sleep 600 & echo $! >"+pidFile+".new; mv "+pidFile+".new "+pidFile+"; wait").Run(ctx)
	}()
	pid := 0
	poll(t, func() bool {
		b, err := os.ReadFile(pidFile)
		if err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(string(b)))
		}
		return err == nil
	})
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
	poll(t, func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ") || syscall.Kill(pid, 0) != nil
	})
}

func poll(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			t.Fatal("the condition does not come true")
		case <-tick.C:
		}
	}
}
