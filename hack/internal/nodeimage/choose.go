package nodeimage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"qiantang.dev/rails/hack/internal/build"
	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/engine"
	"qiantang.dev/rails/hack/internal/image"
	"qiantang.dev/rails/hack/internal/machine"
	"qiantang.dev/rails/hack/internal/progress"
)

// Provider provides the image.
type Provider struct {
	Cache   cache.Dir
	Say     *progress.Printer
	Builder *build.Builder
	Own     build.Own
	Facts   machine.Facts
	Docker  engine.Docker
}

// Ensure returns the name of an image that is there for Docker. given is the one asked for, or empty.
func (p *Provider) Ensure(ctx context.Context, given string) (string, error) {
	if given != "" {
		return p.bring(ctx, given)
	}
	if why := unfit(p.Facts); why != "" {
		p.Say.Say("  kind's stock node image does not run here: %s", why)
		return p.Build(ctx)
	}
	stock, err := p.stock(ctx)
	if err != nil {
		return "", err
	}
	if p.Docker.HasImage(ctx, p.built()) && !p.Docker.HasImage(ctx, stock) {
		return p.built(), nil // it could not be pulled the last time
	}
	ref, err := p.bring(ctx, stock)
	if err == nil {
		return ref, nil
	}
	if ctx.Err() != nil {
		return "", err
	}
	p.Say.Say("  kind's stock node image cannot be pulled, so it is built here: %v", err)
	return p.Build(ctx)
}

// unfit says why the stock image does not run on a machine; empty if it does.
func unfit(f machine.Facts) string {
	switch {
	case f.CgroupV1:
		return "its systemd refuses cgroup v1"
	case f.LacksSysResource():
		return "its containerd wants CAP_SYS_RESOURCE, which this machine does not give"
	default:
		return ""
	}
}

// bring pulls an image that is not there. The machine's Docker pulls it itself; the private one has no way out, so the
// tool fetches it.
func (p *Provider) bring(ctx context.Context, ref string) (string, error) {
	if p.Docker.HasImage(ctx, ref) {
		return ref, nil
	}
	if !p.Docker.Private() {
		return ref, p.Say.Step("pulling "+ref, "first run only", func() error {
			return p.Docker.Cmd("pull", "--quiet", ref).Logged(p.Cache.Log("pull")).Run(ctx)
		})
	}
	tag := withoutDigest(ref)
	if p.Docker.HasImage(ctx, tag) {
		return tag, nil
	}
	return tag, p.Say.Step("fetching "+ref, "first run only", func() error {
		archive := p.Cache.Path("build", "fetched.tar")
		if err := os.MkdirAll(filepath.Dir(archive), 0o755); err != nil {
			return err
		}
		defer func() { _ = os.Remove(archive) }()
		if err := image.Fetch(ctx, ref, tag, archive); err != nil {
			return err
		}
		return p.Docker.Cmd("load", "--quiet", "--input", archive).Run(ctx)
	})
}

func withoutDigest(ref string) string {
	tag, _, _ := strings.Cut(ref, "@")
	return tag
}

var stockLine = regexp.MustCompile(`(?m)^const Image = "([^"]+)"`)

// stock is the image that this version of kind takes by itself.
func (p *Provider) stock(ctx context.Context) (string, error) {
	src, err := p.Builder.ModuleDir(ctx, "sigs.k8s.io/kind", build.Kind)
	if err != nil {
		return "", err
	}
	return constant(src, "pkg/apis/config/defaults/image.go", stockLine)
}

// constant finds in a module's source what the expression's first group matches.
func constant(dir, file string, line *regexp.Regexp) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return "", err
	}
	m := line.FindSubmatch(b)
	if m == nil {
		return "", fmt.Errorf("kind %s is laid out anew: nothing in %s matches %q", build.Kind, file, line)
	}
	return string(m[1]), nil
}
