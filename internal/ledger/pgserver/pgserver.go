package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNone says that there is no PostgreSQL on this machine.
var ErrNone = errors.New("no PostgreSQL binaries in /usr/lib/postgresql/*/bin or on PATH (Debian: apt-get install postgresql)")

// Server is a running server.
type Server struct {
	dir       string
	bin       string
	as        *syscall.SysProcAttr
	settings  map[string]string
	cmd       *exec.Cmd
	exited    chan struct{}
	databases atomic.Int64
}

// Bin is the folder of the newest PostgreSQL installed, with initdb, postgres and, where installed, pgbench.
func Bin() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", ErrNone
}

func version(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// Start makes a cluster in a new folder below parent (empty: the system's temporary folder) and starts it. It fails with ErrNone where
// there is no PostgreSQL. Settings go into postgresql.conf; commits are durable unless they say otherwise.
func Start(ctx context.Context, parent string, settings map[string]string) (*Server, error) {
	bin, err := Bin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "qpg")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, settings: settings}
	if err := s.init(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.Run(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// init makes the data directory. initdb refuses root, so a root's server runs as Debian's postgres, or as nobody.
func (s *Server) init(ctx context.Context) error {
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			if u, err = user.Lookup("nobody"); err != nil {
				return fmt.Errorf("no user to run PostgreSQL as: %w", err)
			}
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		if err := os.Chown(s.dir, uid, gid); err != nil {
			return err
		}
	}
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "-D", s.Data(), "-U", "postgres", "-A", "trust", "--no-sync",
		"-E", "UTF8", "--locale=C", "--no-instructions")
	cmd.Dir, cmd.SysProcAttr = s.dir, s.as
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Data is the data directory.
func (s *Server) Data() string { return filepath.Join(s.dir, "data") }

// Bin is the folder of the server's programs.
func (s *Server) Bin() string { return s.bin }

// Socket is the folder of the Unix socket: a host for libpq's programs.
func (s *Server) Socket() string { return s.dir }

// Run starts the server where it does not run, and returns when it answers.
func (s *Server) Run(ctx context.Context) error {
	args := []string{"-D", s.Data(), "-c", "listen_addresses=", "-c", "unix_socket_directories=" + s.dir, "-c", "max_connections=400"}
	for k, v := range s.settings {
		args = append(args, "-c", k+"="+v)
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	// It outlives the call that starts it: Close ends it.
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(s.bin, "postgres"), args...)
	as := syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} // a test program that panics closes nothing
	if s.as != nil {
		as.Credential = s.as.Credential
	}
	s.cmd.Dir, s.cmd.SysProcAttr, s.cmd.Stdout, s.cmd.Stderr = s.dir, &as, log, log
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	s.exited = make(chan struct{})
	go func(c *exec.Cmd, done chan struct{}) {
		_ = c.Wait()
		close(done)
	}(s.cmd, s.exited)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-s.exited:
			return fmt.Errorf("postgres exited: %s", s.Log())
		case <-ctx.Done():
			s.Kill()
			return fmt.Errorf("postgres does not answer: %w: %s", err, s.Log())
		}
	}
}

// Log is the end of the server's log.
func (s *Server) Log() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}

// DSN is the URL of a database, as the superuser.
func (s *Server) DSN(database string) string { return s.RoleDSN("postgres", database) }

// RoleDSN is the URL of a database as a role.
func (s *Server) RoleDSN(role, database string) string {
	return "postgres:///" + database + "?host=" + s.dir + "&user=" + role
}

// Database creates a new database, from a template where one is named, and returns its name.
func (s *Server) Database(ctx context.Context, template string) (string, error) {
	name := fmt.Sprintf("d%d", s.databases.Add(1))
	sql := "CREATE DATABASE " + name
	if template != "" {
		sql += " TEMPLATE " + template
	}
	return name, s.Exec(ctx, "postgres", sql)
}

// Exec runs statements as the superuser.
func (s *Server) Exec(ctx context.Context, database string, statements ...string) error {
	c, err := pgx.Connect(ctx, s.DSN(database))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	for _, q := range statements {
		if _, err := c.Exec(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// Ensure starts the server again where it has ended by itself.
func (s *Server) Ensure(ctx context.Context) error {
	select {
	case <-s.exited:
		return s.Run(ctx)
	default:
	}
	for {
		c, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-s.exited:
			return s.Run(ctx)
		case <-ctx.Done():
			return err
		default:
		}
	}
}

// Kill ends the server at once, as a crash of all its processes would: SIGQUIT makes it leave without a checkpoint.
func (s *Server) Kill() { s.signal(syscall.SIGQUIT) }

// Stop ends the server in order; open sessions are cut.
func (s *Server) Stop() { s.signal(syscall.SIGINT) }

func (s *Server) signal(sig os.Signal) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	<-s.exited
	s.cmd = nil
}

// Close ends the server and removes its folder.
func (s *Server) Close() error {
	s.signal(syscall.SIGQUIT)
	return os.RemoveAll(s.dir)
}
