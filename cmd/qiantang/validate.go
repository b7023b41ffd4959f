package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"qiantang.dev/rails/internal/manifest"
)

func newValidateCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "validate -f DIR",
		Short: "Check files offline, as an API server and the operator would",
		Long: `Checks every YAML file of a folder against the same schemas, rules (CEL) and references that a cluster would check.
Needs no cluster. Prints each finding as "file: Kind/name: field: value: what is wrong", and ends with 1 where there is any.`,
		Example: `  qiantang validate -f config/samples`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, found, err := manifest.Load(cmd.Context(), dir, time.Now())
			if err != nil {
				return err
			}
			_, found = b.Check(found)
			for _, f := range found {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), f); err != nil {
					return err
				}
			}
			if len(found) > 0 {
				return fmt.Errorf("%s: %d findings", dir, len(found))
			}
			return b.Summary(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVarP(&dir, "filename", "f", "", "folder or file to check")
	if err := cmd.MarkFlagRequired("filename"); err != nil {
		panic(errors.Join(errors.New("flag filename"), err))
	}
	return cmd
}
