package daemon

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/hack/internal/record"
)

func start(t *testing.T, argv ...string) record.Process {
	t.Helper()
	p, err := Start("test", filepath.Join(t.TempDir(), "log", "x"), argv...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Stop(t.Context(), p); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return p
}

func TestStopEndsExactlyTheProcessThatWasStarted(t *testing.T) {
	p := start(t, "sleep", "600")
	if !Alive(p) {
		t.Fatal("it does not run")
	}
	other := p
	other.Start++ // the identifier belongs to somebody else by now
	if Alive(other) {
		t.Error("another process was taken for ours")
	}
	if err := Stop(t.Context(), other); err != nil || !Alive(p) {
		t.Errorf("somebody else's process was stopped (%v)", err)
	}
	if err := Stop(t.Context(), p); err != nil || Alive(p) {
		t.Errorf("not stopped: %v", err)
	}
	if err := Stop(t.Context(), p); err != nil {
		t.Errorf("stopping it again: %v", err)
	}
}

func TestKillEndsWhatDoesNotHeedRequests(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	deaf := start(t, "sh", "-c", "trap '' TERM; : >"+ready+"; while :; do read x </dev/zero; done")
	if err := Until(t.Context(), 20*time.Second, func() bool { _, err := os.Stat(ready); return err == nil }); err != nil {
		t.Fatal(err)
	}
	spared := start(t, "sleep", "600")
	reused := spared
	reused.Start++
	if err := Kill(t.Context(), []record.Process{deaf, reused}); err != nil || Alive(deaf) || !Alive(spared) {
		t.Errorf("error %v; alive: %v, spared: %v", err, Alive(deaf), Alive(spared))
	}
}

func TestOutputGoesToTheLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "x.log")
	if _, err := Start("test", log, "sh", "-c", "echo hello; exec sleep 0.2"); err != nil {
		t.Fatal(err)
	}
	err := Until(t.Context(), 20*time.Second, func() bool {
		b, err := os.ReadFile(log)
		return err == nil && string(b) == "hello\n"
	})
	if err != nil {
		t.Error(err)
	}
}

func TestStartFailures(t *testing.T) {
	if _, err := Start("test", "/dev/null/x/y", "true"); err == nil {
		t.Error("a log that cannot be written is no error")
	}
	if _, err := Start("test", filepath.Join(t.TempDir(), "l"), "/no/such/program"); err == nil || !strings.Contains(err.Error(), "test") {
		t.Errorf("error %v", err)
	}
}

func TestParseStat(t *testing.T) {
	const tail = " 1 1 1 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 %s 1 1"
	line := func(name, state, start string) string {
		return "42 (" + name + ") " + state + strings.Replace(tail, "%s", start, 1)
	}
	for name, tc := range map[string]struct {
		stat string
		want uint64
		gone bool
		bad  bool
	}{
		"running":             {stat: line("sh", "S", "987"), want: 987},
		"name with brackets":  {stat: line("a) S 1 (b", "R", "5"), want: 5},
		"ended, not noted":    {stat: line("sh", "Z", "987"), gone: true},
		"dead":                {stat: line("sh", "X", "987"), gone: true},
		"cut short":           {stat: "42 (sh) S 1", bad: true},
		"empty":               {stat: "", bad: true},
		"time is not a count": {stat: line("sh", "S", "x"), bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat(tc.stat)
			if got != tc.want || errors.Is(err, fs.ErrNotExist) != tc.gone || (err != nil) != (tc.gone || tc.bad) {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
}

func TestWithArgumentComparesNameAndWholeArgument(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "socket")
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "tail", "-f", mark)
	for _, tc := range []struct {
		name, argument string
		want           int
	}{{"tail", mark, 1}, {"sleep", mark, 0}, {"tail", mark[:len(mark)-1], 0}} {
		found, err := WithArgument(tc.name, tc.argument)
		if err != nil || len(found) != tc.want {
			t.Errorf("%s %s: found %v, %v", tc.name, tc.argument, found, err)
		}
		if tc.want == 1 && len(found) == 1 && (found[0].PID != p.PID || found[0].Start != p.Start) {
			t.Errorf("found %v, started %v", found[0], p)
		}
	}
	if _, ok := Known("x", p.PID); !ok {
		t.Error("the process is not known")
	}
	if _, ok := Known("x", 1<<30); ok {
		t.Error("a process that does not exist is known")
	}
}

func TestUntilGivesUp(t *testing.T) {
	if err := Until(t.Context(), time.Nanosecond, func() bool { return false }); err == nil {
		t.Error("no error")
	}
}
