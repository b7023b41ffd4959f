//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// place and record are what the demo writes down of itself (hack/demo/record.go).
type place struct{ Kubeconfig, Context, NodeIP, URL string }

var record struct {
	Kubectl string
	Run     int
	Hub     place
	Regions map[string]place
}

const namespace = "demo"

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv("QIANTANG_E2E_KEEP") == "" {
		defer func() {
			if err := demo("down"); err != nil {
				fmt.Fprintln(os.Stderr, "demo down:", err)
			}
		}()
	}
	if err := demo("up"); err != nil {
		fmt.Fprintln(os.Stderr, "demo up:", err)
		return 1
	}
	b, err := os.ReadFile(filepath.Join(cacheDir(), "run", "demo.json"))
	if err == nil {
		err = json.Unmarshal(b, &record)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func demo(verb string) error {
	c := exec.CommandContext(context.Background(), "go", "-C", "../../hack", "run", "./demo", verb)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}

func cacheDir() string {
	if d := os.Getenv("QIANTANG_CACHE"); d != "" {
		return d
	}
	if d := os.Getenv("XDG_CACHE_HOME"); d != "" {
		return filepath.Join(d, "qiantang")
	}
	home, _ := os.UserHomeDir()
	return filepath.Join(home, ".cache", "qiantang")
}
