package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"qiantang.dev/rails/hack/internal/build"
	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/progress"
)

func root(say *progress.Printer) *cobra.Command {
	c := &cobra.Command{
		Use:           "cluster",
		Short:         "Kubernetes for the demo and the tests: stock kind where Docker answers, else built from Go modules",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.AddCommand(assetsCommand(say), prefetchCommand(say), upCommand(say), statusCommand(say), imageCommand(say), loadCommand(say),
		downCommand(say))
	return c
}

func assetsCommand(say *progress.Printer) *cobra.Command {
	return &cobra.Command{
		Use:   "assets",
		Short: "Build kube-apiserver, etcd and kubectl and print the folder that holds them (for KUBEBUILDER_ASSETS)",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			dir := os.Getenv("KUBEBUILDER_ASSETS")
			if dir == "" || !build.HasAssets(dir) {
				d, err := cache.Locate(os.Getenv)
				if err != nil {
					return err
				}
				b := &build.Builder{Cache: d, Say: say}
				if dir, err = b.AssetsDir(c.Context()); err != nil {
					return err
				}
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), dir)
			return err
		},
	}
}
