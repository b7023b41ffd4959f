package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"qiantang.dev/rails/hack/internal/build"
	"qiantang.dev/rails/hack/internal/engine"
	"qiantang.dev/rails/hack/internal/image"
	"qiantang.dev/rails/hack/internal/kind"
	"qiantang.dev/rails/hack/internal/progress"
)

func upCommand(say *progress.Printer) *cobra.Command {
	return &cobra.Command{
		Use:   "up NAME...",
		Short: "Bring up clusters and print what `status` prints; running ones are used as they are",
		Long: "Bring up clusters. KIND_NODE_IMAGE names a node image to use instead of the stock or the built one, " +
			"KIND_CONFIG a kind configuration file instead of one node.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, names []string) error {
			base := kind.DefaultConfig
			if f := os.Getenv("KIND_CONFIG"); f != "" {
				var err error
				if base, err = os.ReadFile(f); err != nil {
					return fmt.Errorf("KIND_CONFIG: %w", err)
				}
			}
			if _, err := kind.Config(base, netip.Addr{}, false); err != nil { // before anything is started
				return err
			}
			s, err := open(say)
			if err != nil {
				return err
			}
			defer s.close()
			d, err := s.docker(c.Context())
			if err != nil {
				return err
			}
			if err := s.builder.Ensure(c.Context(), build.KindBin); err != nil {
				return err
			}
			m := s.clusters(d)
			if m.Image, err = s.images(d).Ensure(c.Context(), os.Getenv("KIND_NODE_IMAGE")); err != nil {
				return err
			}
			if m.Config, err = kind.Config(base, d.APIAddress, s.facts.CgroupV1); err != nil {
				return err
			}
			if err := m.Up(c.Context(), unique(names)); err != nil {
				return err
			}
			if err := s.publish(d); err != nil {
				return err
			}
			return s.print(c, d)
		},
	}
}

func (s *session) print(c *cobra.Command, d engine.Docker) error {
	b, err := s.public(d)
	if err != nil {
		return err
	}
	_, err = c.OutOrStdout().Write(b)
	return err
}

func unique(names []string) []string {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

func statusCommand(say *progress.Printer) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Print the recorded clusters as JSON",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := open(say)
			if err != nil {
				return err
			}
			defer s.close()
			d, _ := s.running(c.Context())
			return s.print(c, d)
		},
	}
}

func loadCommand(say *progress.Printer) *cobra.Command {
	var names []string
	c := &cobra.Command{
		Use:   "load --name NAME... ARCHIVE",
		Short: "Load an image archive into the nodes of clusters",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := open(say)
			if err != nil {
				return err
			}
			defer s.close()
			d, ok := s.running(c.Context())
			if !ok {
				return fmt.Errorf("no Docker runs, so no cluster does: `cluster up` first")
			}
			return s.clusters(d).Load(c.Context(), unique(names), args[0])
		},
	}
	c.Flags().StringSliceVar(&names, "name", nil, "cluster; may be given several times")
	_ = c.MarkFlagRequired("name")
	return c
}

func imageCommand(say *progress.Printer) *cobra.Command {
	var app image.App
	var output string
	c := &cobra.Command{
		Use:   "image --binary PATH --tag REF --output FILE.tar [--file SOURCE:/PATH ...]",
		Short: "Make an image archive of a static program, without Docker",
		Args:  cobra.NoArgs,
		RunE: func(_ *cobra.Command, _ []string) error {
			return say.Step("making image "+app.Ref, "", func() error {
				img, err := app.Build()
				if err != nil {
					return err
				}
				return image.Save(output, img)
			})
		},
	}
	c.Flags().StringVar(&app.Binary, "binary", "", "static program, which becomes /qiantang")
	c.Flags().StringVar(&app.Ref, "tag", "", "name of the image, NAME:TAG")
	c.Flags().StringVar(&output, "output", "", "archive to write")
	c.Flags().StringArrayVar(&app.Files, "file", nil, "further file, SOURCE:/PATH/IN/IMAGE; may be given several times")
	for _, f := range []string{"binary", "tag", "output"} {
		_ = c.MarkFlagRequired(f)
	}
	return c
}

func downCommand(say *progress.Printer) *cobra.Command {
	return &cobra.Command{
		Use:   "down [NAME...]",
		Short: "Remove the clusters that `up` made (all, or those named) and, with the last, all else that it started",
		RunE: func(c *cobra.Command, names []string) error {
			s, err := open(say)
			if err != nil {
				return err
			}
			defer s.close()
			d, present := s.running(c.Context())
			all := len(names) == 0
			if all {
				for _, k := range s.record.State().Clusters {
					names = append(names, k.Name)
				}
			}
			if err := s.removable(d, present, names); err != nil {
				return err
			}
			if err := s.clusters(d).Down(c.Context(), unique(names), present); err != nil {
				return err
			}
			if all || len(s.record.State().Clusters) == 0 {
				if err := s.private().Down(c.Context()); err != nil {
					return err
				}
				return s.forget()
			}
			return s.publish(d)
		},
	}
}

// removable refuses to forget clusters that cannot be removed because the machine's Docker does not answer.
func (s *session) removable(d engine.Docker, present bool, names []string) error {
	if present || s.record.State().Docker != nil {
		return nil
	}
	for _, n := range names {
		if k, ok := s.record.State().Cluster(n); ok && k.Made {
			return fmt.Errorf("cluster %s cannot be removed: Docker %q does not answer", n, d.Host)
		}
	}
	return nil
}

// forget removes the record's files, once nothing is recorded any more.
func (s *session) forget() error {
	for _, f := range []string{"clusters.json", "state.json"} {
		if err := os.RemoveAll(s.cache.Run(f)); err != nil {
			return err
		}
	}
	left, err := filepath.Glob(s.cache.Run("*"))
	if err != nil || len(left) > 0 {
		return err
	}
	return os.RemoveAll(s.cache.Run())
}

func prefetchCommand(say *progress.Printer) *cobra.Command {
	return &cobra.Command{
		Use:   "prefetch",
		Short: "Download and compile what `up` may need, without starting anything",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := open(say)
			if err != nil {
				return err
			}
			defer s.close()
			d, ok := s.running(c.Context())
			if !ok {
				if err := s.installDocker(c.Context()); err != nil {
					return err
				}
			}
			if err := s.builder.Ensure(c.Context(), build.KindBin); err != nil {
				return err
			}
			_, err = s.images(d).Ingredients(c.Context())
			return err
		},
	}
}
