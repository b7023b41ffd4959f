package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/pkg/client"
)

type payFlags struct {
	callFlags
	url, file, format, output string
	fund                      []string
	wait                      time.Duration
}

func newPayCommand() *cobra.Command {
	var f payFlags
	c := &cobra.Command{
		Use:   "pay --url URL --file FILE",
		Short: "Send payments to a routing worker: CSV, NDJSON or ISO 20022",
		Long: "Send payments to a routing worker and print what became of them. FILE is a CSV or NDJSON batch, a pain.001.001.09, or another\n" +
			"message that the worker takes, whose answer is printed as it is; \"-\" reads standard input. Every payment has a key of its own, so sending a file again makes nothing twice.",
		Example: "  qiantang pay --fund acme:USD:100000.00 --file payments.csv\n" +
			"  qiantang pay --url http://127.0.0.1:8080 --file pain001.xml --output raw",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			in := c.InOrStdin()
			if f.file != "-" && f.file != "" {
				file, err := os.Open(f.file)
				if err != nil {
					return fmt.Errorf("--file: %w", err)
				}
				defer func() { _ = file.Close() }()
				in = file
			}
			return f.run(c.Context(), in, c.OutOrStdout())
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.url, "url", "http://127.0.0.1:8080", "a region's routers")
	fl.StringVar(&f.file, "file", "", "what to send; - for standard input")
	f.add(fl)
	fl.StringVar(&f.format, "format", "auto", "csv, ndjson, iso20022, or auto: by the first character")
	fl.StringVar(&f.output, "output", "table", "table, or raw: every result as the worker gave it")
	fl.StringArrayVar(&f.fund, "fund", nil, "OWNER:CURRENCY:AMOUNT: open that account and deposit the amount first, once; may be repeated")
	fl.DurationVar(&f.wait, "wait", 0, "wait so long for every payment to be paid or rejected, and fail where one is not")
	return c
}

// sent adds up what became of a file.
type sent struct {
	accepted int
	amounts  map[string]int
	refused  map[string]int
	examples map[string]string
	// shown says that the answer is nothing to add up, and has been printed.
	shown bool
}

func (f payFlags) run(ctx context.Context, in io.Reader, out io.Writer) error {
	api, err := f.open(f.url)
	if err != nil {
		return err
	}
	for _, fund := range f.fund {
		if err := fundAccount(ctx, api, fund, out); err != nil {
			return fmt.Errorf("--fund %s: %w", fund, err)
		}
	}
	if f.file == "" {
		if len(f.fund) == 0 {
			return errors.New("--file: nothing to send")
		}
		return nil
	}
	if f.output != "table" && f.output != "raw" {
		return fmt.Errorf("--output %q: want table or raw", f.output)
	}
	buffered := bufio.NewReader(in)
	format, err := f.formatOf(buffered)
	if err != nil {
		return err
	}
	total := &sent{amounts: map[string]int{}, refused: map[string]int{}, examples: map[string]string{}}
	started := time.Now()
	if format == "iso20022" {
		err = total.message(ctx, api, buffered, out, f.output == "raw")
	} else {
		err = total.batch(ctx, api, format, buffered, out, f.output == "raw")
	}
	if err != nil {
		return err
	}
	if f.output == "table" && !total.shown {
		if err := total.print(out, time.Since(started)); err != nil {
			return err
		}
	}
	if f.wait > 0 {
		return total.settle(ctx, api, f.wait, out)
	}
	return nil
}

// formatOf is the format asked for, or the one that the first character gives away.
func (f payFlags) formatOf(in *bufio.Reader) (string, error) {
	switch f.format {
	case "csv":
		return client.CSV, nil
	case "ndjson":
		return client.NDJSON, nil
	case "iso20022":
		return f.format, nil
	case "auto":
	default:
		return "", fmt.Errorf("--format %q: want csv, ndjson, iso20022 or auto", f.format)
	}
	head, err := in.Peek(256)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("--file: %w", err)
	}
	switch head = bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\uFEFF"))); {
	case len(head) == 0:
		return "", errors.New("--file: empty")
	case head[0] == '<':
		return "iso20022", nil
	case head[0] == '{':
		return client.NDJSON, nil
	}
	return client.CSV, nil
}

func fundAccount(ctx context.Context, api *client.Client, fund string, out io.Writer) error {
	part := strings.Split(fund, ":")
	if len(part) != 3 {
		return errors.New("want OWNER:CURRENCY:AMOUNT")
	}
	account, err := api.OpenAccount(ctx, client.AccountRequest{Owner: part[0], Currency: part[1]})
	if err != nil {
		return err
	}
	deposit, err := api.Deposit(ctx, "fund-"+strings.Join(part, "-"), client.DepositRequest{
		Account: account.ID, Amount: client.Money{Currency: part[1], Value: part[2]}, Reference: "opening balance",
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "funded %s with %s %s\n", account.ID, deposit.Amount.Value, deposit.Amount.Currency)
	return err
}

func (s *sent) batch(ctx context.Context, api *client.Client, kind string, in io.Reader, out io.Writer, raw bool) error {
	enc := json.NewEncoder(out)
	for r, err := range api.Batch(ctx, kind, in) {
		if err != nil {
			return err
		}
		if raw {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		if r.Payment == nil {
			s.refuse(r.Problem)
			continue
		}
		s.accepted++
		where := r.Payment.Corridor
		if r.Payment.Route != nil {
			where += "\t" + r.Payment.Route.Provider + "\t" + r.Payment.Route.Rail
		} else {
			where += "\t-\t-"
		}
		s.amounts[where]++
	}
	return nil
}

func (s *sent) refuse(p *client.Problem) {
	if p == nil {
		p = &client.Problem{Title: "no payment and no problem"}
	}
	code := p.Code()
	s.refused[code]++
	if _, ok := s.examples[code]; !ok {
		s.examples[code] = p.Error()
	}
}

func (s *sent) message(ctx context.Context, api *client.Client, in io.Reader, out io.Writer, raw bool) error {
	doc, err := iso20022.Load(in, 0)
	if err != nil {
		return fmt.Errorf("--file: %w", err)
	}
	answer, err := api.ISO20022(ctx, []byte(doc))
	if err != nil {
		return err
	}
	if kind, err := iso20022.Identify(string(answer)); raw || err != nil || kind != iso20022.IDPain002 {
		s.shown = true
		_, err := out.Write(answer)
		return err
	}
	report, _, err := iso20022.ReadPain002(string(answer))
	if err != nil {
		return fmt.Errorf("the worker's pain.002: %w", err)
	}
	if _, err := fmt.Fprintf(out, "%s %s: %s\n", report.OriginalMessageName, report.OriginalMessageID, report.GroupStatus); err != nil {
		return err
	}
	for _, batch := range report.Payments {
		for _, t := range batch.Transfers {
			if t.Status != "RJCT" {
				s.accepted++
				s.amounts[batch.OriginalID+"\t"+t.Status+"\t-"]++
				continue
			}
			code, detail := "RJCT", ""
			for _, r := range t.Reasons {
				code, detail = r.Reason.Value(), strings.Join(r.Additional, "")
			}
			s.refused[code]++
			s.examples[code] = t.OriginalEndToEndID + ": " + detail
		}
	}
	return nil
}

func (s *sent) print(out io.Writer, took time.Duration) error {
	refused := 0
	for _, n := range s.refused {
		refused += n
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%d accepted, %d refused in %s\n", s.accepted, refused, took.Round(time.Millisecond))
	for _, where := range sortedKeys(s.amounts) {
		_, _ = fmt.Fprintf(w, "  %s\t%d\n", where, s.amounts[where])
	}
	for _, code := range sortedKeys(s.refused) {
		_, _ = fmt.Fprintf(w, "  refused: %s\t%d\t%s\n", code, s.refused[code], s.examples[code])
	}
	return w.Flush()
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// settle waits until nothing in the worker's ledger is under way any more.
func (s *sent) settle(ctx context.Context, api *client.Client, limit time.Duration, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		open := 0
		for _, status := range []client.Status{client.Instructing, client.Exchanged, client.Pending, client.Uncertain} {
			page, err := api.Payments(ctx, client.ListOptions{Status: status, Limit: 1000})
			if err != nil {
				return err
			}
			open += len(page.Payments)
		}
		if open == 0 {
			_, err := fmt.Fprintln(out, "all payments have an outcome")
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("--wait: %d payments have no outcome after %s", open, limit)
		}
	}
}
