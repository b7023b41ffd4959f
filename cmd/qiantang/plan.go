package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"qiantang.dev/rails/internal/manifest"
)

func newPlanCommand() *cobra.Command {
	var dir, against string
	cmd := &cobra.Command{
		Use:   "plan -f DIR [--against DIR]",
		Short: "Say what would change, in which region, before it does",
		Long: `Compiles a folder as the operator would, and says what its workers would serve, region by region; with --against only what
differs from another folder, such as the one that is applied now. Resources that are not valid are listed first: what is served of
them would stay as it is. Ends with 1 where there are any.`,
		Example: `  git worktree add /tmp/now main && qiantang plan -f rails --against /tmp/now/rails`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runPlan(cmd, cmd.OutOrStdout(), dir, against)
		},
	}
	cmd.Flags().StringVarP(&dir, "filename", "f", "", "folder or file to plan")
	cmd.Flags().StringVar(&against, "against", "", "folder or file to compare with (default: nothing)")
	if err := cmd.MarkFlagRequired("filename"); err != nil {
		panic(errors.Join(errors.New("flag filename"), err))
	}
	return cmd
}

func runPlan(cmd *cobra.Command, w io.Writer, dir, against string) error {
	now := time.Now()
	wanted, found, err := manifest.Load(cmd.Context(), dir, now)
	if err != nil {
		return err
	}
	var served *manifest.Bundle
	if against != "" {
		var wrong []manifest.Finding
		if served, wrong, err = manifest.Load(cmd.Context(), against, now); err != nil {
			return err
		}
		if len(wrong) > 0 {
			return fmt.Errorf("%s is compared with, and is not valid itself: %s", against, wrong[0])
		}
	}
	found, err = manifest.WritePlan(w, wanted, found, served)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("%s: %d findings", dir, len(found))
	}
	return nil
}
