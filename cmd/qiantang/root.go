package main

import (
	"io"
	"log/slog"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
)

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "qiantang",
		Short: "Cross-border payment rails, declared",
		Long: "Qiantang runs cross-border payment rails the way Kubernetes runs containers: corridors, FX providers and settlement\n" +
			"schedules are resources; the operator turns them into workers that quote, route, book, pay out, net and settle.",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddGroup(&cobra.Group{ID: "use", Title: "To use:"}, &cobra.Group{ID: "run", Title: "Run by Kubernetes:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("use", newUpCommand(), newValidateCommand(), newPlanCommand(), newPayCommand(), newReportCommand(), newLedgerCommand(), newSimCommand())
	add("run", newOperatorCommand(), newWorkerCommand())
	return root
}

// newLogger writes one JSON object a line to w; level as in logr's V.
func newLogger(w io.Writer, level int) logr.Logger {
	return logr.FromSlogHandler(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.Level(-level)}))
}
