package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/machine"
	"qiantang.dev/rails/hack/internal/progress"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	say := progress.New(os.Stderr, time.Now)
	root := &cobra.Command{Use: "demo", Short: "Qiantang at work on real clusters", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(
		&cobra.Command{Use: "up", Short: "Bring the demo up, or up to date", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			d, err := newDemo(say)
			if err != nil {
				return err
			}
			return d.up(c.Context())
		}},
		&cobra.Command{Use: "down", Short: "Remove what the demo started", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			d, err := newDemo(say)
			if err != nil {
				return err
			}
			return d.down(c.Context())
		}},
	)
	err := root.ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// The names that the demo uses.
const (
	hubCluster  = "qiantang-hub"
	eastCluster = "qiantang-us-east"
	operatorNS  = "qiantang-system"
	institution = "demo"
	simulatorNS = "qiantang-simulator"

	// twoClustersMiB is the memory that two clusters with everything in them want; with less, one has to do.
	twoClustersMiB = 6 * 1024
)

// demo is one run of it.
type demo struct {
	say    *progress.Printer
	repo   string
	cache  cache.Dir
	facts  machine.Facts
	tools  tools
	record record
}

// tools are the programs that it runs.
type tools struct{ qiantang, helm string }

func newDemo(say *progress.Printer) (*demo, error) {
	// `go -C hack run ./demo` runs in hack/.
	wd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	repo := filepath.Dir(wd)
	if _, err := os.Stat(filepath.Join(repo, "charts", "qiantang")); err != nil {
		return nil, errors.New("run it as `make demo` from the checkout")
	}
	dir, err := cache.Locate(os.Getenv)
	if err != nil {
		return nil, err
	}
	facts, err := machine.Detect()
	if err != nil {
		return nil, err
	}
	d := &demo{say: say, repo: repo, cache: dir, facts: facts, tools: tools{qiantang: filepath.Join(repo, "bin", "qiantang")}}
	return d, d.record.read(d.recordPath())
}

func (d *demo) recordPath() string { return d.cache.Run("demo.json") }

func (d *demo) path(elem ...string) string {
	return filepath.Join(append([]string{d.repo}, elem...)...)
}

// up brings the demo from nothing, or from wherever it is, to settled money.
func (d *demo) up(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		d.clusters, d.image, d.install, d.simulators, d.rails, d.ready, d.fund, d.send, d.settle, d.report,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.farewell()
	return nil
}
