package nodeimage

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"qiantang.dev/rails/hack/internal/build"
	"qiantang.dev/rails/hack/internal/command"
	"qiantang.dev/rails/hack/internal/image"
	"qiantang.dev/rails/hack/internal/rootfs"
)

// names are the image names that kubeadm, kind and containerd ask for.
type names struct {
	kubeadm                              map[string]string // by the last element of the name: "etcd", "coredns", …
	pause, cni, provisioner, provisioned string
}

var (
	pauseLine       = regexp.MustCompile(`(?m)^\s*sandbox_image = "([^"]+)"`)
	cniLine         = regexp.MustCompile(`(?m)^const kindnetdImage = "([^"]+)"`)
	provisionerLine = regexp.MustCompile(`(?m)^const storageProvisionerImage = "([^"]+)"`)
	helperLine      = regexp.MustCompile(`(?m)^const storageHelperImage = "([^"]+)"`)
)

func (p *Provider) names(ctx context.Context, kind string) (names, error) {
	out, err := command.New(p.Builder.Path(build.Kubeadm), "config", "images", "list", "--kubernetes-version",
		build.Kubernetes).Output(ctx)
	if err != nil {
		return names{}, err
	}
	n := names{kubeadm: byName(out)}
	for _, want := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "etcd", "coredns"} {
		if n.kubeadm[want] == "" {
			return names{}, fmt.Errorf("kubeadm lists no image for %s: %q", want, out)
		}
	}
	for _, c := range []struct {
		to   *string
		file string
		line *regexp.Regexp
	}{
		{&n.pause, "images/base/files/etc/containerd/config.toml", pauseLine},
		{&n.cni, "pkg/build/nodeimage/const_cni.go", cniLine},
		{&n.provisioner, "pkg/build/nodeimage/const_storage.go", provisionerLine},
		{&n.provisioned, "pkg/build/nodeimage/const_storage.go", helperLine},
	} {
		if *c.to, err = constant(kind, c.file, c.line); err != nil {
			return names{}, err
		}
	}
	return n, nil
}

// byName maps image names by their last element without the tag.
func byName(list string) map[string]string {
	m := map[string]string{}
	for _, ref := range strings.Fields(list) {
		repo, _, _ := strings.Cut(ref[strings.LastIndexByte(ref, '/')+1:], ":")
		m[repo] = ref
	}
	return m
}

// release makes what `kind build node-image --type file` takes: a Kubernetes release archive. kind would pull what the
// release lacks, but skips an image whose name it finds in one of the four archives of the control plane; so the one of
// kube-proxy carries all the others too, and nothing is lacking.
func (p *Provider) release(ctx context.Context, root string, n names, dir string) (string, error) {
	bin := filepath.Join(dir, "kubernetes/server/bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "kubernetes/version"), []byte(build.Kubernetes+"\n"), 0o644); err != nil {
		return "", err
	}
	for _, prog := range []build.Program{build.Kubeadm, build.Kubelet, build.Kubectl} {
		if err := linkOrCopy(p.Builder.Path(prog), filepath.Join(bin, prog.Name)); err != nil {
			return "", err
		}
	}
	for _, prog := range []build.Program{build.APIServer, build.ControllerManager, build.Scheduler} {
		img, err := image.Program(n.kubeadm[prog.Name], "/usr/local/bin/"+prog.Name, p.Builder.Path(prog))
		if err != nil {
			return "", err
		}
		if err := image.Save(filepath.Join(bin, prog.Name+".tar"), img); err != nil {
			return "", err
		}
	}
	others, err := p.others(root, n)
	if err != nil {
		return "", err
	}
	if err := image.Save(filepath.Join(bin, "kube-proxy.tar"), others...); err != nil {
		return "", err
	}
	archive := filepath.Join(dir, "kubernetes-server-linux-"+runtime.GOARCH+".tar.gz")
	return archive, pack(ctx, archive, dir, "kubernetes")
}

// others are the images besides the three of the control plane.
func (p *Provider) others(root string, n names) ([]image.Image, error) {
	layer := func(patterns []string) (v1.Layer, error) {
		entries, err := rootfs.Stage(root, patterns)
		if err != nil {
			return nil, err
		}
		return image.Layer(entries...)
	}
	netfilter, err := layer(rootfs.Netfilter)
	if err != nil {
		return nil, err
	}
	shell, err := layer(rootfs.Shell)
	if err != nil {
		return nil, err
	}
	const local = "/usr/local/bin/"
	var list []image.Image
	for _, i := range []struct {
		ref, path string
		program   build.Program
		below     []v1.Layer
	}{
		{n.kubeadm["kube-proxy"], local + "kube-proxy", build.Proxy, []v1.Layer{netfilter}},
		{n.kubeadm["etcd"], local + "etcd", build.EtcdServer, nil},
		{n.kubeadm["coredns"], "/coredns", build.CoreDNSBin, nil},
		{n.cni, local + "kindnetd", p.Own.Kindnetd, []v1.Layer{netfilter}},
		{n.pause, "/pause", p.Own.Pause, nil},
		{n.provisioner, local + "local-path-provisioner", build.LocalPV, nil},
	} {
		img, err := image.Program(i.ref, i.path, p.Builder.Path(i.program), i.below...)
		if err != nil {
			return nil, err
		}
		list = append(list, img)
	}
	helper, err := image.New(n.provisioned, v1.Config{Env: []string{"PATH=/usr/bin:/bin"}}, shell)
	return append(list, helper), err
}

func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}

// pack writes a folder into a compressed archive. It is read once, so it is compressed as fast as can be.
func pack(ctx context.Context, archive, dir, name string) (err error) {
	f, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	zw, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	err = filepath.WalkDir(filepath.Join(dir, name), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return packOne(tw, dir, path, d)
	})
	return errors.Join(err, tw.Close(), zw.Close())
}

func packOne(tw *tar.Writer, dir, path string, d os.DirEntry) error {
	fi, err := d.Info()
	if err != nil {
		return err
	}
	h, err := tar.FileInfoHeader(fi, "")
	if err != nil {
		return err
	}
	if h.Name, err = filepath.Rel(dir, path); err != nil {
		return err
	}
	if d.IsDir() {
		h.Name += "/"
		return tw.WriteHeader(h)
	}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(tw, f)
	return errors.Join(err, f.Close())
}
