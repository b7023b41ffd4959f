package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
)

// Own are the programs of this module that run in and beside the nodes.
type Own struct {
	Kindnetd Program // the CNI daemon, in place of kind's
	Pause    Program // what holds a pod's namespaces
	Runcfit  Program // runc without the capabilities that this machine does not give
	Nxdomain Program // a DNS server that knows no name
}

// OwnPrograms describes the programs below node/ of this module, whose folder is given. Their version is a hash of
// their sources and of the module's requirements.
func OwnPrograms(moduleDir string) (Own, error) {
	sum, err := hashTree(moduleDir, "go.mod", "go.sum", "node")
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

// hashTree is a short hash of files, and of all files below folders, with their names.
func hashTree(root string, names ...string) (string, error) {
	var files []string
	for _, n := range names {
		err := filepath.WalkDir(filepath.Join(root, n), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	sort.Strings(files)
	h := sha256.New()
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		rel, err := filepath.Rel(root, f)
		if err != nil {
			return "", err
		}
		if _, err := fmt.Fprintf(h, "%s %d\n%s", rel, len(b), b); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}
