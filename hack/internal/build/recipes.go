package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"qiantang.dev/rails/hack/internal/cache"
)

// installed builds a main package of a module whose go.mod stands on its own.
func installed(pkg, version, ldflags string) recipe {
	return func(ctx context.Context, b *Builder, p Program, out string) error {
		cmd := b.goCmd(p, "install", "-ldflags", strip(ldflags), pkg+"@"+version).InDir(os.TempDir()).
			WithEnv("GOBIN=" + filepath.Dir(out))
		return cmd.Run(ctx)
	}
}

// required builds a main package from a module of our own that only requires it. It is for modules that
// `go install pkg@version` refuses because of replace directives that change nothing for the program.
func required(pkg, version string) recipe {
	return func(ctx context.Context, b *Builder, p Program, out string) error {
		dir := b.Cache.Path("build", p.Component)
		mod := fmt.Sprintf("module qiantang.dev/rails/build\n\ngo 1.26.0\n\nrequire %s %s\n", pkg, version)
		if err := writeAll(dir, map[string]string{"go.mod": mod, "tools.go": tools(pkg)}); err != nil {
			return err
		}
		return b.goCmd(p, "build", "-mod=mod", "-ldflags", strip(""), "-o", out, pkg).InDir(dir).Run(ctx)
	}
}

// copied builds a main package inside a copy of its module. It is for modules with which `go install pkg@version` asks
// the module proxy for a list of versions, which some proxies refuse.
func copied(module, version, pkg, ldflags string) recipe {
	return func(ctx context.Context, b *Builder, p Program, out string) error {
		src, err := b.ModuleDir(ctx, module, version)
		if err != nil {
			return err
		}
		dir := b.Cache.Path("build", p.Component)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.CopyFS(dir, os.DirFS(src)); err != nil {
			return err
		}
		for _, f := range []string{"go.mod", "go.sum"} {
			if err := os.Chmod(filepath.Join(dir, f), 0o644); err != nil {
				return err
			}
		}
		return b.goCmd(p, "build", "-mod=mod", "-ldflags", strip(ldflags), "-o", out, pkg).InDir(dir).Run(ctx)
	}
}

// buildKubernetes builds one of Kubernetes' programs. Its go.mod points at ./staging, which its module archive lacks;
// the published staging modules of the same version take its place.
func buildKubernetes(ctx context.Context, b *Builder, p Program, out string) error {
	src, err := b.ModuleDir(ctx, "k8s.io/kubernetes", Kubernetes)
	if err != nil {
		return err
	}
	dir := b.Cache.Path("build", p.Component)
	gomod, err := os.ReadFile(filepath.Join(src, "go.mod"))
	if err != nil {
		return err
	}
	if !cache.Exists(filepath.Join(dir, "go.mod")) {
		gosum, err := os.ReadFile(filepath.Join(src, "go.sum"))
		if err != nil {
			return err
		}
		mod, err := unstage(string(gomod))
		if err != nil {
			return err
		}
		var pkgs []string
		for _, name := range kubernetesPrograms {
			pkgs = append(pkgs, kubernetesPkg(name))
		}
		files := map[string]string{"go.sum": string(gosum), "tools.go": tools(pkgs...), "go.mod": mod}
		if err := writeAll(dir, files); err != nil {
			return err
		}
	}
	return b.goCmd(p, "build", "-mod=mod", "-ldflags", kubernetesFlags(), "-o", out, kubernetesPkg(p.Name)).
		InDir(dir).Run(ctx)
}

func kubernetesPkg(name string) string { return "k8s.io/kubernetes/cmd/" + name }

var (
	moduleLine  = regexp.MustCompile(`(?m)^module .*$`)
	stagingLine = regexp.MustCompile(`=> \./staging/src/(k8s\.io/\S+)`)
)

// unstage turns Kubernetes' go.mod into one of a module of our own that builds the same programs.
func unstage(gomod string) (string, error) {
	if !moduleLine.MatchString(gomod) || !stagingLine.MatchString(gomod) {
		return "", fmt.Errorf("the go.mod of k8s.io/kubernetes %s has no replacement by ./staging: it is laid out anew",
			Kubernetes)
	}
	s := moduleLine.ReplaceAllString(gomod, "module qiantang.dev/rails/build")
	s = stagingLine.ReplaceAllString(s, "=> ${1} "+kubernetesStaging)
	return strings.TrimRight(s, "\n") + "\n\nrequire k8s.io/kubernetes " + Kubernetes + "\n", nil
}

// kubernetesFlags stamps the version as Kubernetes' own build does; kubeadm and kubelet compare them.
func kubernetesFlags() string {
	minor := strings.Split(Kubernetes, ".")[1]
	var f []string
	for _, p := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		f = append(f, "-X "+p+".gitVersion="+Kubernetes, "-X "+p+".gitMajor=1", "-X "+p+".gitMinor="+minor,
			"-X "+p+".gitTreeState=clean")
	}
	return strip(strings.Join(f, " "))
}

func strip(ldflags string) string { return strings.TrimSpace("-s -w " + ldflags) }

// tools is a source file that makes main packages requirements of a module without building them into anything.
func tools(pkgs ...string) string {
	s := "//go:build tools\n\npackage tools\n\nimport (\n"
	for _, p := range pkgs {
		s += "\t_ \"" + p + "\"\n"
	}
	return s + ")\n"
}

// writeAll writes files into a folder. go.mod comes last: where it is, the others are.
func writeAll(dir string, files map[string]string) error {
	for name, content := range files {
		if name == "go.mod" {
			continue
		}
		if err := cache.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return cache.WriteFile(filepath.Join(dir, "go.mod"), []byte(files["go.mod"]), 0o644)
}
