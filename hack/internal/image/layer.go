package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"sort"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Entry is one file, folder or link of a layer.
type Entry struct {
	Path    string // absolute, inside the image
	Mode    int64  // permission bits, with the sticky bit as 01000
	Source  string // file on this machine that has the content; or
	Content []byte // the content itself
	Link    string // target, if it is a symbolic link
	Dir     bool
	UID     int
}

// Layer makes a layer of entries. Parent folders that are not among them are added; the order does not matter.
func Layer(entries ...Entry) (v1.Layer, error) {
	b, err := layerTar(entries)
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil })
}

// layerTar writes the tar. A layer lies in memory, a few hundred MiB at the most.
func layerTar(entries []Entry) ([]byte, error) {
	all := map[string]Entry{}
	for _, e := range entries {
		if !path.IsAbs(e.Path) {
			return nil, fmt.Errorf("path %q in an image is not absolute", e.Path)
		}
		e.Path = path.Clean(e.Path)
		if _, ok := all[e.Path]; ok {
			return nil, fmt.Errorf("path %q is in the layer twice", e.Path)
		}
		all[e.Path] = e
	}
	for p := range all {
		for d := path.Dir(p); d != "/"; d = path.Dir(d) {
			if _, ok := all[d]; !ok {
				all[d] = Entry{Path: d, Mode: 0o755, Dir: true}
			}
		}
	}
	names := make([]string, 0, len(all))
	for p := range all {
		names = append(names, p)
	}
	sort.Strings(names)
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, n := range names {
		if err := writeEntry(tw, all[n]); err != nil {
			return nil, err
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func writeEntry(tw *tar.Writer, e Entry) error {
	h := &tar.Header{Name: strings.TrimPrefix(e.Path, "/"), Mode: e.Mode, Uid: e.UID, Gid: e.UID, Format: tar.FormatPAX}
	content := e.Content
	switch {
	case e.Dir:
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
	case e.Link != "":
		h.Typeflag, h.Linkname = tar.TypeSymlink, e.Link
	case e.Source != "":
		b, err := os.ReadFile(e.Source)
		if err != nil {
			return err
		}
		content = b
		fallthrough
	default:
		h.Typeflag, h.Size = tar.TypeReg, int64(len(content))
	}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err := tw.Write(content)
	return err
}
