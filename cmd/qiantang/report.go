package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/worker"
	"qiantang.dev/rails/pkg/client"
)

func newReportCommand() *cobra.Command {
	var urls, runs []string
	var call callFlags
	c := &cobra.Command{
		Use:   "report --url [REGION=]URL ... [--run NAME ...]",
		Short: "Print what regions have paid and settled, for people",
		Long:  "Print payments by corridor, provider and rail, rejects with their reasons, settlement runs, and whether the books balance.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
			defer cancel()
			var views []regionView
			for _, u := range urls {
				v, err := viewRegion(ctx, u, &call, runs)
				if err != nil {
					return err
				}
				views = append(views, v)
			}
			return printReport(c.OutOrStdout(), views)
		},
	}
	c.Flags().StringArrayVar(&urls, "url", []string{"http://127.0.0.1:8080"}, "a region's routers; may be given several times")
	call.add(c.Flags())
	c.Flags().StringArrayVar(&runs, "run", nil, "only these settlement runs; unset, the latest ones")
	return c
}

// regionView is what one region's workers say of themselves.
type regionView struct {
	name    string
	summary client.Summary
	runs    []plan.RunReport
	books   worker.TrialBalance
}

func viewRegion(ctx context.Context, arg string, flags *callFlags, runs []string) (regionView, error) {
	base, name := arg, ""
	if n, u, ok := strings.Cut(arg, "="); ok {
		name, base = n, u
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" {
		return regionView{}, fmt.Errorf("--url %q: want [REGION=]http[s]://HOST:PORT", arg)
	}
	from, err := flags.open(base)
	if err != nil {
		return regionView{}, err
	}
	var v regionView
	if err := from.Get(ctx, "/v1/summary", &v.summary); err != nil {
		return v, err
	}
	if v.name = name; name == "" {
		v.name = v.summary.Region
	}
	if err := from.Get(ctx, "/v1/trial-balance", &v.books); err != nil {
		return v, err
	}
	if len(runs) == 0 {
		var page struct {
			Runs []plan.RunReport `json:"runs"`
		}
		err := from.Get(ctx, "/v1/settlement/runs", &page)
		v.runs = page.Runs
		return v, err
	}
	for _, run := range runs {
		var r plan.RunReport
		err := from.Get(ctx, "/v1/settlement/runs/"+url.PathEscape(run), &r)
		var missing *client.Problem
		if errors.As(err, &missing) && missing.Status == http.StatusNotFound {
			continue // another region's
		}
		if err != nil {
			return v, err
		}
		v.runs = append(v.runs, r)
	}
	return v, nil
}

func printReport(out io.Writer, views []regionView) error {
	w := tabwriter.NewWriter(out, 2, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PAYMENTS\nREGION\tCORRIDOR\tPROVIDER\tRAIL\tPAYMENTS\tPAID\tAMOUNT\tFEES\tRECEIVED\tSPREAD")
	for _, v := range views {
		for _, l := range v.summary.Lines {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s (%d bps)\n", v.name, l.Corridor, l.Provider, l.Rail, l.Payments, l.Paid,
				money(l.Amount), money(l.Fees), money(l.Received), money(l.Spread), l.SpreadBps)
		}
	}
	fmt.Fprintln(w, "\nREJECTS\nREGION\tCORRIDOR\tPAYMENTS\tREASON\tFOR EXAMPLE")
	for _, v := range views {
		for _, r := range v.summary.Rejects {
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", v.name, r.Corridor, r.Payments, r.Code, r.Example)
		}
	}
	fmt.Fprintln(w, "\nSETTLEMENT\nREGION\tRUN\tPHASE\tPAYMENTS\tCURRENCY\tGROSS\tNET\tNETTING EFFICIENCY")
	for _, v := range views {
		for _, r := range v.runs {
			for _, c := range r.Currencies {
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%d.%02d %%\n", v.name, r.Name, r.Phase, r.Payments, c.Currency,
					grouped(c.Gross), grouped(c.Net), c.EfficiencyBps/100, c.EfficiencyBps%100)
			}
		}
	}
	fmt.Fprintln(w, "\nINSTRUCTIONS (pacs.009.001.08)\nREGION\tPAYER\tAMOUNT\tSTATUS\tFILE")
	for _, v := range views {
		for _, r := range v.runs {
			for _, i := range r.Instructions {
				fmt.Fprintf(w, "%s\t%s\t%s %s\t%s\t%s\n", v.name, i.Payer, grouped(i.Amount), i.Currency, i.Status, i.File)
			}
			for _, b := range r.Breaks {
				fmt.Fprintf(w, "%s\tbreak: %s\n", v.name, b)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, v := range views {
		if v.books.Balanced {
			fmt.Fprintf(out, "%s: ledger: %d entries, every currency sums to zero\n", v.name, v.books.Entries)
			continue
		}
		return fmt.Errorf("%s: the ledger does not balance: %+v", v.name, v.books.Lines)
	}
	return nil
}

func money(m client.Money) string { return grouped(m.Value) + " " + m.Currency }

// grouped writes 1234567.89 as 1,234,567.89.
func grouped(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, frac, dot := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dot {
		whole += "." + frac
	}
	return sign + whole
}
