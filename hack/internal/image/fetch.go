package image

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// reachTimeout bounds how long a registry may take to show that it can be reached at all.
const reachTimeout = 10 * time.Second

// Fetch copies an image from its registry into a `docker save` archive, without credentials. tag is the name that it
// gets there: a digest does not survive such an archive. An unreachable registry is an error within seconds.
func Fetch(ctx context.Context, ref, tag, path string) error {
	r, err := name.ParseReference(ref)
	if err != nil {
		return fmt.Errorf("image name %q: %w", ref, err)
	}
	t, err := name.NewTag(tag)
	if err != nil {
		return fmt.Errorf("image name %q: %w", tag, err)
	}
	if err := reach(ctx, r); err != nil {
		return err
	}
	img, err := remote.Image(r, remote.WithContext(ctx), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
	if err != nil {
		return fmt.Errorf("image %s: %w", ref, err)
	}
	if err := tarball.WriteToFile(path, t, img); err != nil {
		return fmt.Errorf("image %s: %w", ref, err)
	}
	return nil
}

// reach asks the registry for anything: any answer will do, also that one has to log in first.
func reach(ctx context.Context, r name.Reference) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	reg := r.Context().Registry
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, reg.Scheme()+"://"+reg.RegistryStr()+"/v2/", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("registry %s cannot be reached: %w", reg.RegistryStr(), err)
	}
	return resp.Body.Close()
}
