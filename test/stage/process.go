package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a program under our control.
type Process struct {
	name   string
	cmd    *exec.Cmd
	exited chan struct{}
	output tail
}

// Start runs a program until it ends, or is told to.
func Start(name, program string, args ...string) (*Process, error) {
	p := &Process{name: name, cmd: exec.Command(program, args...), exited: make(chan struct{})} //nolint:noctx // it is stopped by Kill and Stop, and by the kernel when we end
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	// Its own group, so that a Ctrl-C reaches us alone and what we end, we end in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.exited)
	}()
	return p, nil
}

// Kill ends it as a crash does.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// Stop ends it in order, or after grace as a crash does; then the error shows its last words.
func (p *Process) Stop(grace time.Duration) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	limit := time.NewTimer(grace)
	defer limit.Stop()
	select {
	case <-p.exited:
		return nil
	case <-limit.C:
		p.Kill()
		return fmt.Errorf("%s did not end within %s: %s", p.name, grace, p.Output())
	}
}

// Output is the end of what it wrote.
func (p *Process) Output() string { return p.output.String() }

// Await waits until a GET of url is answered with 200; it fails when the process ends or ctx does.
func (p *Process) Await(ctx context.Context, url string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended: %s: %s", p.name, p.cmd.ProcessState, p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w: %s", p.name, errors.Join(ctx.Err(), err), p.Output())
		case <-tick.C:
		}
	}
}

// Memory is the process's resident memory now and at its most, in bytes.
func (p *Process) Memory() (now, most int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch kb, _ := strconv.ParseInt(f[1], 10, 64); f[0] {
		case "VmRSS:":
			now = kb << 10
		case "VmHWM:":
			most = kb << 10
		}
	}
	return now, most, nil
}

// CPU is the processor time that the process has used.
func (p *Process) CPU() (time.Duration, error) {
	_, used, err := usage(strconv.Itoa(p.cmd.Process.Pid))
	return used, err
}

// FamilyCPU is the processor time that a process and those that it started have used, ended ones included.
func FamilyCPU(pid int) (time.Duration, error) {
	found, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	_, sum, err := usage(strconv.Itoa(pid))
	if err != nil {
		return 0, err
	}
	for _, dir := range found {
		// One that has just ended counts with its parent.
		if parent, used, err := usage(filepath.Base(dir)); err == nil && parent == pid {
			sum += used
		}
	}
	return sum, nil
}

// usage is a process's parent, and the processor time used by it and by those of its children that have ended.
func usage(pid string) (parent int, used time.Duration, err error) {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return 0, 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name before may hold blanks
	f := strings.Fields(rest)
	if len(f) < 15 {
		return 0, 0, fmt.Errorf("/proc/%s/stat has %d fields", pid, len(f))
	}
	const tick = time.Second / 100 // USER_HZ is 100 on every Linux that Go runs on
	for _, s := range f[11:15] {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("/proc/%s/stat: %w", pid, err)
		}
		used += time.Duration(n) * tick
	}
	parent, err = strconv.Atoi(f[1])
	return parent, used, err
}

// FreeAddress is a loopback address that nobody listens on at the moment.
func FreeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// tail keeps the last of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(b)
	if over := t.buf.Len() - 8<<10; over > 0 {
		t.buf.Next(over)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
