package nodeimage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"qiantang.dev/rails/hack/internal/build"
	"qiantang.dev/rails/hack/internal/command"
	"qiantang.dev/rails/hack/internal/image"
	"qiantang.dev/rails/hack/internal/machine"
	"qiantang.dev/rails/hack/internal/rootfs"
)

const (
	repository = "qiantang.local/node"

	// baseRepository names a registry on a closed port: kind tries to pull the base image first, five times with
	// pauses, and there each try fails at once.
	baseRepository = "127.0.0.1:1/qiantang/base"

	// revision stands for what this package and package rootfs do. Raise it to have images built anew.
	revision = "1"
)

// built is the name of the image that would be built on this machine. Its tag is a hash of all that goes into it.
func (p *Provider) built() string {
	in := strings.Join([]string{revision, build.Kubernetes, build.Etcd, build.CoreDNS, build.Containerd, build.Crictl,
		build.CNIPlugins, build.LocalPath, build.Kind, p.Own.Kindnetd.Component, rootfs.Version(),
		fmt.Sprint(p.Facts.LacksSysResource(), p.Facts.LacksCapabilities())}, " ")
	sum := sha256.Sum256([]byte(in))
	return repository + ":" + build.Kubernetes + "-" + hex.EncodeToString(sum[:])[:12]
}

// Build builds the image unless it is there, and removes older ones that no node uses.
func (p *Provider) Build(ctx context.Context) (string, error) {
	ref := p.built()
	if p.Docker.HasImage(ctx, ref) {
		return ref, nil
	}
	debian, err := p.Ingredients(ctx)
	if err != nil {
		return "", err
	}
	err = p.Say.Step("building the node image for Kubernetes "+build.Kubernetes, "first run only, about 1 min", func() (err error) {
		work := p.Cache.Path("build", "node-image")
		if err := machine.RemoveAll(work); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, machine.RemoveAll(work)) }()
		return p.build(ctx, ref, debian, work)
	})
	if err != nil {
		return "", err
	}
	return ref, p.removeOld(ctx, ref)
}

// Ingredients makes what the image is built from: Debian and all programs. It returns Debian's folder. Unpacking waits
// for the network and compiling does not, so they run side by side.
func (p *Provider) Ingredients(ctx context.Context) (string, error) {
	if !p.Facts.Root {
		return "", errors.New("the node image must be built here, and making a root filesystem takes root: run this again as root")
	}
	if err := machine.Install(ctx, p.Say, p.Facts.Root, machine.RootfsNeeds, p.Cache.Log("apt")); err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var debian string
	unpacked := make(chan error, 1)
	go func() {
		var err error
		debian, err = rootfs.Debian(ctx, p.Cache, p.Say)
		unpacked <- err
	}()
	err := p.Builder.Ensure(ctx, append(build.Node(), p.Own.All()...)...)
	if err != nil {
		cancel()
	}
	return debian, errors.Join(err, <-unpacked)
}

func (p *Provider) build(ctx context.Context, ref, debian, work string) error {
	kind, err := p.Builder.ModuleDir(ctx, "sigs.k8s.io/kind", build.Kind)
	if err != nil {
		return err
	}
	root := filepath.Join(work, "rootfs")
	if err := p.spec(debian, kind).Make(ctx, root); err != nil {
		return err
	}
	base := baseRepository + ":" + strings.TrimPrefix(ref, repository+":")
	if err := p.loadBase(ctx, root, base, work); err != nil {
		return err
	}
	defer func() { _ = p.Docker.Cmd("image", "rm", base).Run(ctx) }()
	names, err := p.names(ctx, kind)
	if err != nil {
		return err
	}
	release, err := p.release(ctx, root, names, filepath.Join(work, "release"))
	if err != nil {
		return err
	}
	// kind leaves what it unpacks in TMPDIR.
	tmp := filepath.Join(work, "tmp")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	return command.New(p.Builder.Path(build.KindBin), "build", "node-image", "--type", "file", "--base-image", base,
		"--image", ref, release).WithEnv(p.Docker.Env()...).WithEnv("TMPDIR=" + tmp).Logged(p.Cache.Log("node-image")).Run(ctx)
}

func (p *Provider) spec(debian, kind string) rootfs.Spec {
	programs := map[string]string{
		"usr/local/bin/containerd":              p.Builder.Path(build.NodeContainerd),
		"usr/local/bin/containerd-shim-runc-v2": p.Builder.Path(build.NodeShim),
		"usr/local/bin/ctr":                     p.Builder.Path(build.NodeCtr),
		"usr/local/bin/crictl":                  p.Builder.Path(build.CrictlBin),
	}
	for _, c := range build.CNI {
		programs["opt/cni/bin/"+c.Name] = p.Builder.Path(c)
	}
	if p.Facts.LacksCapabilities() {
		programs["usr/local/sbin/runc"] = p.Builder.Path(p.Own.Runcfit) // found before Debian's, which it calls
	}
	return rootfs.Spec{Debian: debian, Kind: kind, Programs: programs, Ctr: p.Builder.Path(build.NodeCtr),
		RestrictOOM: p.Facts.LacksSysResource()}
}

// loadBase makes the root filesystem an image with the settings of kind's base image.
func (p *Provider) loadBase(ctx context.Context, root, ref, work string) error {
	tree, archive := filepath.Join(work, "base-layer.tar"), filepath.Join(work, "base.tar")
	if err := command.New("tar", "-C", root, "-cf", tree, ".").Run(ctx); err != nil {
		return err
	}
	layer, err := tarball.LayerFromFile(tree, tarball.WithCompressionLevel(1))
	if err != nil {
		return err
	}
	img, err := image.New(ref, v1.Config{
		Env:        []string{"container=docker"}, // systemd looks for it
		StopSignal: "SIGRTMIN+3",                 // systemd's request to power off
		Entrypoint: []string{"/usr/local/bin/entrypoint", "/sbin/init"},
	}, layer)
	if err != nil {
		return err
	}
	if err := image.Save(archive, img); err != nil {
		return err
	}
	return p.Docker.Cmd("load", "--quiet", "--input", archive).Run(ctx)
}

func (p *Provider) removeOld(ctx context.Context, keep string) error {
	all, err := p.Docker.ImagesOf(ctx, repository)
	if err != nil {
		return err
	}
	for _, i := range all {
		if i != keep {
			// Docker refuses where a node is made from it, and it stays for that node's time.
			_ = p.Docker.Cmd("image", "rm", i).Run(ctx)
		}
	}
	return nil
}
