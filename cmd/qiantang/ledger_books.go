package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/export"
	"qiantang.dev/rails/internal/ledger/open"
	"qiantang.dev/rails/internal/ledger/statement"
)

func printTrialBalance(ctx context.Context, w io.Writer, l ledger.Ledger) error {
	lines, err := l.TrialBalance(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "CURRENCY\tTYPE\tACCOUNTS\tDEBITS\tCREDITS\t")
	sums := map[string]int64{}
	for _, x := range lines {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t\n", x.Currency, x.Type, x.Accounts, x.Debits.Decimal(), x.Credits.Decimal())
		sums[string(x.Currency)] += x.Debits.Minor() - x.Credits.Minor()
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for currency, sum := range sums {
		if sum != 0 {
			return fmt.Errorf("the books do not balance: %d minor units of %s more debits than credits", sum, currency)
		}
	}
	_, err = fmt.Fprintln(w, "debits equal credits in every currency")
	return err
}

func newLedgerStatementCommand(f *ledgerFlags) *cobra.Command {
	var from, to, out string
	c := &cobra.Command{
		Use:   "statement ACCOUNT --from TIME --to TIME",
		Short: "Write an account's statement as camt.053",
		Long:  "Write an account's statement as ISO 20022 camt.053.001.08. Times are RFC 3339, or days, which begin at midnight UTC.",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q := statement.Request{Account: args[0], Created: time.Now()}
			var err error
			if q.From, err = parseTime("--from", from); err != nil {
				return err
			}
			if q.To, err = parseTime("--to", to); err != nil {
				return err
			}
			return f.with(c.Context(), func(l readable) error {
				bar := newBar(c.ErrOrStderr(), "entries")
				q.Progress = bar.show
				w, finish, err := output(out, c.OutOrStdout())
				if err != nil {
					return err
				}
				_, err = statement.Write(c.Context(), l, w, q)
				bar.done()
				return finish(err)
			})
		},
	}
	c.Flags().StringVar(&from, "from", "", "entries booked after this time")
	c.Flags().StringVar(&to, "to", "", "up to this time")
	c.Flags().StringVar(&out, "out", "", "file to write; unset, standard output")
	_, _ = c.MarkFlagRequired("from"), c.MarkFlagRequired("to")
	return c
}

func parseTime(flag, s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %q: want 2026-10-12 or 2026-10-12T08:00:00Z", flag, s)
}

// output is a new file, or standard output. finish closes it, and takes an unfinished file away.
func output(file string, stdout io.Writer) (io.Writer, func(error) error, error) {
	if file == "" {
		w := bufio.NewWriter(stdout)
		return w, func(err error) error { return errors.Join(err, w.Flush()) }, nil
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, nil, fmt.Errorf("--out: %w", err)
	}
	return f, func(err error) error {
		if err = errors.Join(err, f.Close()); err != nil {
			return errors.Join(err, os.Remove(file))
		}
		return nil
	}, nil
}

func newLedgerExportCommand(f *ledgerFlags) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "export --out DIR",
		Short: "Write the books as CSV files",
		Long:  "Write accounts, journal, records and checkpoints as CSV files into DIR, which must be new or empty, with the Merkle roots beside them.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c.Context(), func(l readable) error {
				bar := newBar(c.ErrOrStderr(), "entries")
				m, err := export.Export(c.Context(), l, dir, bar.show)
				bar.done()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%d entries and %d accounts exported to %s, root %x\n", m.Entries, m.Accounts, dir, m.Root)
				return err
			})
		},
	}
	c.Flags().StringVar(&dir, "out", "", "folder to write")
	_ = c.MarkFlagRequired("out")
	return c
}

func newLedgerImportCommand(f *ledgerFlags) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "import --in DIR",
		Short: "Read exported books into an empty ledger",
		Long: "Read what `qiantang ledger export` wrote into an empty ledger of either kind. Numbers, booking times and Merkle roots stay the same;\n" +
			"it fails where the files were changed. Stop the workers before the export, or what they book after it is not in it.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			location, err := f.location()
			if err != nil {
				return err
			}
			bar := newBar(c.ErrOrStderr(), "entries")
			m, err := open.Import(c.Context(), location, dir, bar.show)
			bar.done()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d entries and %d accounts imported into %s, root %x\n", m.Entries, m.Accounts, open.Redacted(location), m.Root)
			return err
		},
	}
	c.Flags().StringVar(&dir, "in", "", "folder to read")
	_ = c.MarkFlagRequired("in")
	return c
}
