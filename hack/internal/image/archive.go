package image

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// searchPath is the PATH inside images that hold more than one program.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Image is an image with its name.
type Image struct {
	Ref   string // as it was given: `repositories` must have it letter by letter
	Tag   name.Tag
	Image v1.Image
}

// New makes an image of layers. The tag is NAME:TAG; a name without a registry is Docker Hub's, as everywhere.
func New(ref string, config v1.Config, layers ...v1.Layer) (Image, error) {
	tag, err := name.NewTag(ref)
	if err != nil {
		return Image{}, fmt.Errorf("image name %q: %w", ref, err)
	}
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return Image{}, err
	}
	cf, err := img.ConfigFile()
	if err != nil {
		return Image{}, err
	}
	cf = cf.DeepCopy()
	cf.OS, cf.Architecture, cf.Config = "linux", runtime.GOARCH, config
	img, err = mutate.ConfigFile(img, cf)
	return Image{ref, tag, img}, err
}

// Save writes images as one `docker save` archive, in one step: a file of that name is complete.
//
// The member `repositories` comes first: `kind build node-image` takes an archive's tags from whichever it meets first
// of `repositories` and `manifest.json`, and from the latter only the first image's.
func Save(path string, images ...Image) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = f.Close(), os.Remove(f.Name())
		}
	}()
	if err := write(f, images); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func write(w io.Writer, images []Image) error {
	repositories := map[string]map[string]string{}
	tagged := map[name.Tag]v1.Image{}
	for _, i := range images {
		if _, ok := tagged[i.Tag]; ok {
			return fmt.Errorf("image %s is in the archive twice", i.Tag)
		}
		tagged[i.Tag] = i.Image
		id, err := i.Image.ConfigName()
		if err != nil {
			return err
		}
		repo := strings.TrimSuffix(i.Ref, ":"+i.Tag.TagStr())
		if repositories[repo] == nil {
			repositories[repo] = map[string]string{}
		}
		repositories[repo][i.Tag.TagStr()] = id.Hex
	}
	index, err := json.Marshal(repositories)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(w)
	if err := tw.WriteHeader(&tar.Header{Name: "repositories", Mode: 0o644, Size: int64(len(index))}); err != nil {
		return err
	}
	if _, err := tw.Write(index); err != nil {
		return err
	}
	if err := tw.Flush(); err != nil { // padding, but no end mark: the rest of the archive follows
		return err
	}
	return tarball.MultiWrite(tagged, w)
}
