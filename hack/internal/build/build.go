package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/command"
	"qiantang.dev/rails/hack/internal/progress"
)

// Builder builds programs into a cache.
type Builder struct {
	Cache cache.Dir
	Say   *progress.Printer
}

// recipe makes one program: it writes it to out.
type recipe func(ctx context.Context, b *Builder, p Program, out string) error

// Path is where a program lies once it is built.
func (b *Builder) Path(p Program) string { return filepath.Join(b.Cache.Bin(p.Component), p.Name) }

// Ensure builds what is missing of the given programs, one after the other: the compiler uses every core by itself.
func (b *Builder) Ensure(ctx context.Context, programs ...Program) error {
	for _, p := range programs {
		if err := b.ensure(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (b *Builder) ensure(ctx context.Context, p Program) error {
	path := b.Path(p)
	if cache.Exists(path) {
		return nil
	}
	release, err := b.Cache.Lock("build-" + p.Component)
	if err != nil {
		return err
	}
	defer release()
	if cache.Exists(path) { // another run of the tool has just built it
		return nil
	}
	hint := "first run only"
	if p.hint != "" {
		hint += ", " + p.hint + " on 2 cores"
	}
	return b.Say.Step("building "+p.Name+" of "+p.Component, hint, func() (err error) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		tmp, err := os.MkdirTemp(filepath.Dir(path), ".tmp-"+p.Name+"-*")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
		out := filepath.Join(tmp, p.Name)
		if err := p.make(ctx, b, p, out); err != nil {
			return err
		}
		return os.Rename(out, path)
	})
}

// AssetsDir builds what envtest needs and returns the folder that holds it under the names envtest knows.
func (b *Builder) AssetsDir(ctx context.Context) (string, error) {
	if err := b.Ensure(ctx, Assets()...); err != nil {
		return "", err
	}
	dir := b.Cache.Path("assets", kubernetesName+"-"+etcdName)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	release, err := b.Cache.Lock("assets")
	if err != nil {
		return "", err
	}
	defer release()
	for _, p := range Assets() {
		link := filepath.Join(dir, p.Name)
		target, err := filepath.Rel(dir, b.Path(p))
		if err != nil {
			return "", err
		}
		if have, err := os.Readlink(link); err == nil && have == target {
			continue
		}
		if err := os.RemoveAll(link); err != nil {
			return "", err
		}
		if err := os.Symlink(target, link); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// HasAssets says whether a folder, such as $KUBEBUILDER_ASSETS, holds everything that envtest needs.
func HasAssets(dir string) bool {
	for _, p := range Assets() {
		if fi, err := os.Stat(filepath.Join(dir, p.Name)); err != nil || fi.IsDir() || fi.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// goCmd is the go command for building a component, shielded from the settings of whoever runs the tool.
func (b *Builder) goCmd(p Program, args ...string) command.Cmd {
	return command.New("go", args...).
		WithEnv("CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off", "GOOS=", "GOARCH=").
		Logged(b.Cache.Log("build-" + p.Component))
}

// ModuleDir downloads a module and returns the read-only folder of its sources.
func (b *Builder) ModuleDir(ctx context.Context, module, version string) (string, error) {
	// Outside of any module: this module's requirements have no say in what others are built from.
	cmd := command.New("go", "mod", "download", "-json", module+"@"+version).InDir(os.TempDir()).
		WithEnv("GOFLAGS=-mod=mod", "GOWORK=off", "GO111MODULE=on")
	out, err := cmd.Output(ctx)
	if err != nil {
		return "", err
	}
	return moduleDir([]byte(out))
}

func moduleDir(out []byte) (string, error) {
	var m struct{ Path, Version, Dir, Error string }
	if err := json.Unmarshal(out, &m); err != nil {
		return "", fmt.Errorf("reading what `go mod download -json` says: %w", err)
	}
	if m.Error != "" || m.Dir == "" {
		return "", fmt.Errorf("module %s@%s cannot be had: %q", m.Path, m.Version, m.Error)
	}
	return m.Dir, nil
}
