package rootfs

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"

	"qiantang.dev/rails/hack/internal/image"
)

// Sets of Debian's tools that images need.
var (
	// Netfilter is for kube-proxy and the CNI daemon.
	Netfilter = []string{"/usr/sbin/ip*tables*", "/usr/sbin/xtables-nft-multi", "/usr/sbin/xtables-legacy-multi",
		"/etc/alternatives/ip*tables*", "/usr/sbin/conntrack", "/usr/sbin/nft", "/usr/lib/*-linux-gnu/xtables/*.so"}
	// Shell is for the storage provisioner's helper pod, which makes and removes folders.
	Shell = []string{"/usr/bin/sh", "/usr/bin/mkdir", "/usr/bin/rm"}
)

// mergedUsr are the links at the top of a Debian filesystem.
var mergedUsr = []string{"/bin", "/sbin", "/lib", "/lib64"}

// maxLinks bounds how many symbolic links one path may lead through, as the kernel does.
const maxLinks = 40

// Stage lists the files of a root filesystem that match the patterns, what their links lead to, and the libraries that
// they load, for a layer of an image.
func Stage(root string, patterns []string) ([]image.Entry, error) {
	s := &stage{root: root, entries: map[string]image.Entry{}}
	libs, err := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu"))
	if err != nil {
		return nil, err
	}
	for _, l := range libs {
		s.libs = append(s.libs, "/usr/lib/"+filepath.Base(l))
	}
	s.libs = append(s.libs, "/usr/lib", "/usr/lib64")
	for _, l := range mergedUsr {
		if _, err := os.Lstat(root + l); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := s.add(l); err != nil {
			return nil, err
		}
	}
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(root, p))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("nothing in %s matches %s", root, p)
		}
		for _, f := range found {
			rel, err := filepath.Rel(root, f)
			if err != nil {
				return nil, err
			}
			if err := s.add("/" + rel); err != nil {
				return nil, err
			}
		}
	}
	list := make([]image.Entry, 0, len(s.entries))
	for _, e := range s.entries {
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Path < list[j].Path })
	return list, nil
}

type stage struct {
	root    string
	libs    []string // folders that libraries are looked for in
	entries map[string]image.Entry
}

// add takes one file, given by its path inside the root.
func (s *stage) add(p string) error {
	p, err := s.resolveParent(p)
	if err != nil {
		return err
	}
	if _, ok := s.entries[p]; ok {
		return nil
	}
	fi, err := os.Lstat(s.root + p)
	if err != nil {
		return err
	}
	switch {
	case fi.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(s.root + p)
		if err != nil {
			return err
		}
		s.entries[p] = image.Entry{Path: p, Link: target, Mode: 0o777}
		return s.add(absolute(p, target))
	case fi.IsDir(): // what is in it was asked for or not; the layer adds parents by itself
		return nil
	case fi.Mode().IsRegular():
		s.entries[p] = image.Entry{Path: p, Source: s.root + p, Mode: int64(fi.Mode().Perm())}
		return s.addLibraries(p)
	default:
		return fmt.Errorf("%s%s is neither a file nor a link nor a folder", s.root, p)
	}
}

// resolveParent follows the links in a path's folders, but not in its last element, inside the root: /lib is a link
// to usr/lib, and a layer must not have both.
func (s *stage) resolveParent(p string) (string, error) {
	p = path.Clean(p)
	for range maxLinks {
		again := false
		for d := path.Dir(p); d != "/"; d = path.Dir(d) {
			fi, err := os.Lstat(s.root + d)
			if err != nil {
				return "", err
			}
			if fi.Mode()&fs.ModeSymlink == 0 {
				continue
			}
			target, err := os.Readlink(s.root + d)
			if err != nil {
				return "", err
			}
			p, again = path.Join(absolute(d, target), p[len(d):]), true
			break
		}
		if !again {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s leads through more than %d links", p, maxLinks)
}

func absolute(link, target string) string {
	if path.IsAbs(target) {
		return path.Clean(target)
	}
	return path.Join(path.Dir(link), target)
}

// addLibraries takes the interpreter and the libraries of a program; other files have none.
func (s *stage) addLibraries(p string) error {
	b, err := os.ReadFile(s.root + p)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(b, []byte(elf.ELFMAG)) {
		return nil
	}
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	if sec := f.Section(".interp"); sec != nil {
		interp, err := sec.Data()
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if err := s.add(string(bytes.TrimRight(interp, "\x00"))); err != nil {
			return err
		}
	}
	libs, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	for _, l := range libs {
		found, err := s.library(l)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if err := s.add(found); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) library(name string) (string, error) {
	for _, d := range s.libs {
		if _, err := os.Stat(s.root + d + "/" + name); err == nil {
			return d + "/" + name, nil
		}
	}
	return "", fmt.Errorf("library %s is in none of %q", name, s.libs)
}
