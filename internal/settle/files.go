package settle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// store is where instruction files lie.
type store interface {
	// write puts a file there, whole or not at all.
	write(name string, content []byte) error
	read(name string) ([]byte, error)
	path(name string) string
}

// files writes below one directory and nowhere else. A file is there whole or not at all, also after a loss of power.
type files struct{ dir string }

const maxInstructionFile = 64 << 20

// path is where a name lies, for people.
func (f files) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f files) open() (*os.Root, error) {
	if f.dir == "" {
		return nil, errors.New("no directory for settlement files")
	}
	if err := os.MkdirAll(f.dir, 0o750); err != nil {
		return nil, fmt.Errorf("settlement files: %w", err)
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, fmt.Errorf("settlement files: %w", err)
	}
	return root, nil
}

// write replaces the file at once: written beside, synced, renamed, and its folder synced.
func (f files) write(name string, content []byte) (err error) {
	root, err := f.open()
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, root.Close())
		if err != nil {
			err = fmt.Errorf("settlement file %q: %w", name, err)
		}
	}()
	folder := path.Dir(name)
	if err := root.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	beside := path.Join(folder, "."+path.Base(name)+".part")
	if err := writeSynced(root, beside, content); err != nil {
		return err
	}
	if err := root.Rename(beside, name); err != nil {
		return err
	}
	for at := folder; ; at = path.Dir(at) {
		if err := syncFolder(root, at); err != nil {
			return err
		}
		if at == "." {
			return nil
		}
	}
}

func writeSynced(root *os.Root, name string, content []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncFolder(root *os.Root, name string) error {
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// read returns a file's content; fs.ErrNotExist where there is none.
func (f files) read(name string) ([]byte, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(name)
	if err == nil && info.Size() > maxInstructionFile {
		err = fmt.Errorf("%d bytes: too large: %w", info.Size(), fs.ErrInvalid)
	}
	var b []byte
	if err == nil {
		b, err = root.ReadFile(name)
	}
	if err = errors.Join(err, root.Close()); err != nil {
		return nil, fmt.Errorf("settlement file %q: %w", name, err)
	}
	return b, nil
}
