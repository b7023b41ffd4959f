package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Env names the variable that moves the cache somewhere else.
const Env = "QIANTANG_CACHE"

// maxSocketPath is what fits into sockaddr_un with its terminating zero.
const maxSocketPath = 107

// Dir is the folder that everything lies under.
type Dir string

// Locate returns the cache's folder: $QIANTANG_CACHE, else $XDG_CACHE_HOME/qiantang, else ~/.cache/qiantang. It is
// made if it is missing. A relative path is refused, because the tool's working directory is not its caller's.
func Locate(getenv func(string) string) (Dir, error) {
	d := getenv(Env)
	if d == "" {
		base := getenv("XDG_CACHE_HOME")
		if base == "" {
			home := getenv("HOME")
			if home == "" {
				return "", fmt.Errorf("no place for the cache: none of %s, XDG_CACHE_HOME and HOME is set", Env)
			}
			base = filepath.Join(home, ".cache")
		}
		d = filepath.Join(base, "qiantang")
	}
	if !filepath.IsAbs(d) {
		return "", fmt.Errorf("cache folder %q is not an absolute path: set %s to one", d, Env)
	}
	if err := os.MkdirAll(d, 0o755); err != nil {
		return "", fmt.Errorf("making the cache folder: %w", err)
	}
	return Dir(filepath.Clean(d)), nil
}

// Path joins elements below the cache's folder.
func (d Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{string(d)}, elem...)...)
}

// Bin is where one version of a component's programs lie.
func (d Dir) Bin(component string) string { return d.Path("bin", component) }

// Run is where sockets, kubeconfigs and the record of what runs lie.
func (d Dir) Run(elem ...string) string { return d.Path(append([]string{"run"}, elem...)...) }

// Log is the file that one step's output goes to.
func (d Dir) Log(step string) string { return d.Path("log", step+".log") }

// CheckSocket says whether a Unix socket may have that path, whose length the kernel bounds.
func CheckSocket(path string) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("socket path %q has %d bytes and the kernel allows %d: set %s to a shorter folder",
			path, len(path), maxSocketPath, Env)
	}
	return nil
}

// WriteFile replaces a file in one step, so that a reader finds the old or the new content, never a part.
func WriteFile(path string, content []byte, mode os.FileMode) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return f.Close()
}

// Exists says whether there is something under that name.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Lock waits until no other run of the tool holds the named lock, and holds it until release is called or the
// process ends, however it ends.
func (d Dir) Lock(name string) (release func(), err error) {
	path := d.Path("lock", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}
