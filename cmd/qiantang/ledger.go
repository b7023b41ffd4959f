package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/audit"
	"qiantang.dev/rails/internal/ledger/export"
	"qiantang.dev/rails/internal/ledger/open"
	"qiantang.dev/rails/internal/ledger/statement"
)

// ledgerFlags say which ledger a subcommand is about.
type ledgerFlags struct{ url, dsnFile string }

// readable is an open ledger as the subcommands use it.
type readable interface {
	ledger.Ledger
	audit.Source
	audit.Signable
	statement.Source
	export.Source
	EntryByID(ctx context.Context, id uuid.UUID) (ledger.Entry, error)
}

func newLedgerCommand() *cobra.Command {
	var f ledgerFlags
	c := &cobra.Command{
		Use:   "ledger",
		Short: "Migrate, verify, prove, export and import the books",
		Long: "Work on a region's books: bring their schema up to date, prove them from the journal, sign and check what they say, and take\n" +
			"statements, trial balances and exports. All but migrate, checkpoint and import only read, and may run beside workers.",
	}
	fl := c.PersistentFlags()
	fl.StringVar(&f.url, "ledger", "", "sqlite:///path/to/ledger.db or postgres://…")
	fl.StringVar(&f.dsnFile, "dsn-file", "", "file that holds the PostgreSQL DSN, so that no password is on the command line")
	c.MarkFlagsMutuallyExclusive("ledger", "dsn-file")
	c.AddCommand(newLedgerMigrateCommand(&f), newLedgerVerifyCommand(&f), newLedgerProveCommand(&f), newLedgerCheckCommand(),
		newLedgerKeygenCommand(), newLedgerCheckpointCommand(&f), newLedgerStatementCommand(&f), newLedgerTrialBalanceCommand(&f),
		newLedgerExportCommand(&f), newLedgerImportCommand(&f))
	return c
}

func (f *ledgerFlags) location() (string, error) {
	switch {
	case f.url != "" && f.dsnFile != "":
		return "", errors.New("--ledger and --dsn-file: want one of them")
	case f.dsnFile != "":
		b, err := os.ReadFile(f.dsnFile)
		if err != nil {
			return "", fmt.Errorf("--dsn-file: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	case f.url != "":
		return f.url, nil
	}
	return "", errors.New("--ledger or --dsn-file: want one of them")
}

// with opens the ledger for reading and calls use with it.
func (f *ledgerFlags) with(ctx context.Context, use func(l readable) error) (err error) {
	location, err := f.location()
	if err != nil {
		return err
	}
	l, err := open.Open(ctx, location, open.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	r, ok := l.(readable)
	if !ok {
		return fmt.Errorf("ledger %s cannot be audited", open.Redacted(location))
	}
	return use(r)
}

func newLedgerMigrateCommand(f *ledgerFlags) *cobra.Command {
	var role, appFile string
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the ledger's schema up to date",
		Long: "Bring the ledger's schema up to date, as the role that owns it. It may run while workers of this version or the one before book.\n" +
			"With --app-role or --app-dsn-file the workers' role is granted what they need: to insert and select the journal, never to update or\n" +
			"delete it. A role that could, as the owner or a superuser can, is refused.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			location, err := f.location()
			if err != nil {
				return err
			}
			if appFile != "" {
				if role, err = roleIn(appFile); err != nil {
					return err
				}
			}
			applied, err := open.Migrate(c.Context(), location, role)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d migrations applied to %s\n", applied, open.Redacted(location))
			return err
		},
	}
	c.Flags().StringVar(&role, "app-role", "", "existing PostgreSQL role of the workers, to be granted what they need")
	c.Flags().StringVar(&appFile, "app-dsn-file", "", "file that holds the workers' PostgreSQL DSN: its role is granted what they need")
	c.MarkFlagsMutuallyExclusive("app-role", "app-dsn-file")
	return c
}

// roleIn is the role that a file's DSN connects as.
func roleIn(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--app-dsn-file: %w", err)
	}
	role, err := open.Role(strings.TrimSpace(string(b)))
	if err != nil {
		return "", fmt.Errorf("--app-dsn-file: %w", err)
	}
	return role, nil
}

func newLedgerTrialBalanceCommand(f *ledgerFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "trial-balance",
		Short: "Print the turnover of each account type and currency",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c.Context(), func(l readable) error { return printTrialBalance(c.Context(), c.OutOrStdout(), l) })
		},
	}
}
