package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// tailLines is how much of a failed program's output goes into its error.
const tailLines = 15

// stopGrace is what a program gets between the request to stop and being killed.
const stopGrace = 10 * time.Second

// Cmd is one program to run.
type Cmd struct {
	Name string   // program: a path, or a name that is looked up in PATH
	Args []string // its arguments, without the program's own name
	Dir  string   // working directory; empty is the tool's own
	Env  []string // KEY=value, over the tool's environment
	In   io.Reader
	Log  string // file that the output is added to; empty keeps it for the error only
}

// New describes a program with its arguments.
func New(name string, args ...string) Cmd { return Cmd{Name: name, Args: args} }

// WithEnv returns the command with KEY=value pairs over the tool's environment.
func (c Cmd) WithEnv(env ...string) Cmd {
	c.Env = append(append([]string(nil), c.Env...), env...)
	return c
}

// InDir returns the command with a working directory.
func (c Cmd) InDir(dir string) Cmd {
	c.Dir = dir
	return c
}

// Logged returns the command with a file that its output is added to.
func (c Cmd) Logged(path string) Cmd {
	c.Log = path
	return c
}

// String is the command as one would type it.
func (c Cmd) String() string { return strings.Join(append([]string{c.Name}, c.Args...), " ") }

// Run runs the program to its end.
func (c Cmd) Run(ctx context.Context) error {
	_, err := c.run(ctx, false)
	return err
}

// Output runs the program to its end and returns what it wrote to its standard output.
func (c Cmd) Output(ctx context.Context) (string, error) { return c.run(ctx, true) }

func (c Cmd) run(ctx context.Context, keep bool) (out string, err error) {
	var stdout, said bytes.Buffer
	var sink io.Writer = &said
	if c.Log != "" {
		if err := os.MkdirAll(filepath.Dir(c.Log), 0o755); err != nil {
			return "", err
		}
		f, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		if _, err := fmt.Fprintf(f, "$ %s\n", c); err != nil {
			return "", err
		}
		sink = io.MultiWriter(&said, f)
	}
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	cmd.Dir, cmd.Stdin = c.Dir, c.In
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stderr = sink
	cmd.Stdout = sink
	if keep {
		cmd.Stdout = &stdout
	}
	// A group of its own: its children end with it, and a Ctrl-C on the terminal reaches it through the context alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("%s: %w", c.Name, context.Cause(ctx))
		}
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("%s is not installed: %w", c.Name, err)
		}
		return "", &Error{Cmd: c.String(), Said: tail(said.String(), tailLines), Log: c.Log, Err: err}
	}
	return stdout.String(), nil
}

// Error is a program's failure.
type Error struct {
	Cmd  string // as one would type it
	Said string // its last lines
	Log  string // where all of them are; may be empty
	Err  error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %v", e.Cmd, e.Err)
	if e.Said != "" {
		s += "\n" + e.Said
	}
	if e.Log != "" {
		s += "\n(all of it: " + e.Log + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
