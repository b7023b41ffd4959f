package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Own are the programs of this module that run in and beside the nodes.
type Own struct {
	Kindnetd Program // the CNI daemon, in place of kind's
	Pause    Program // what holds a pod's namespaces
	Runcfit  Program // runc without the capabilities that this machine does not give
	Nxdomain Program // a DNS server that knows no name
}

// OwnPrograms describes the programs below node/ of this module, whose folder is given. Their version is a hash of
// their sources and of the modules that these import.
func OwnPrograms(moduleDir string) (Own, error) {
	sum, err := hashSources(moduleDir, "node")
	if err != nil {
		return Own{}, fmt.Errorf("the tool must run in its own checkout (go -C hack run ./cluster): %w", err)
	}
	p := func(name string) Program {
		return Program{"own-" + sum, name, ownRecipe(moduleDir), ""}
	}
	return Own{Kindnetd: p("kindnetd"), Pause: p("pause"), Runcfit: p("runcfit"), Nxdomain: p("nxdomain")}, nil
}

// All lists them.
func (o Own) All() []Program { return []Program{o.Kindnetd, o.Pause, o.Runcfit, o.Nxdomain} }

func ownRecipe(moduleDir string) recipe {
	return func(ctx context.Context, b *Builder, p Program, out string) error {
		return b.goCmd(p, "build", "-ldflags", strip(""), "-o", out, "./node/"+p.Name).InDir(moduleDir).Run(ctx)
	}
}

// hashSources is a short hash of the Go sources below a folder, tests apart, and of the lines of go.mod that require
// what they import: other requirements of the module come and go without these programs being built anew.
func hashSources(root, dir string) (string, error) {
	gomod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	h := sha256.New()
	imported := map[string]bool{}
	err = filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imported[p] = true
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%s %d\n%s", rel, len(src), src)
		return err
	})
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(gomod)) {
		if requires(line, imported) {
			if _, err := fmt.Fprintln(h, strings.TrimSpace(line)); err != nil {
				return "", err
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

// requires says whether a line of go.mod names the version of a module that one of the packages is in.
func requires(line string, packages map[string]bool) bool {
	f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
	if len(f) < 2 || !strings.HasPrefix(f[1], "v") {
		return false
	}
	for p := range packages {
		if p == f[0] || strings.HasPrefix(p, f[0]+"/") {
			return true
		}
	}
	return false
}
