package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"qiantang.dev/rails/hack/internal/command"
)

// patience bounds how long the demo waits for a router that is being rolled.
const patience = 2 * time.Minute

// post sends one write to a region's routers, again and again until it is answered: the key makes that safe.
func post(ctx context.Context, url, key string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		final, err := postOnce(ctx, url, key, b)
		if final {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func postOnce(ctx context.Context, url, key string, body []byte) (final bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return true, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer func() { _ = res.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
	switch {
	case res.StatusCode < http.StatusMultipleChoices || res.StatusCode == http.StatusConflict:
		return true, nil
	case res.StatusCode >= http.StatusInternalServerError:
		return false, fmt.Errorf("%s: %s: %s", url, res.Status, said)
	}
	return true, fmt.Errorf("%s: %s: %s", url, res.Status, said)
}

// fund opens the customers' accounts and deposits enough for the run.
func (d *demo) fund(ctx context.Context) error {
	if err := d.remember(func(r *record) { r.Run++ }); err != nil {
		return err
	}
	return d.say.Step("opening and funding nine customers' accounts", "", func() error {
		for _, l := range lanes {
			url := d.record.Regions[l.region].URL
			if err := post(ctx, url+"/v1/accounts", "open-"+poor, map[string]any{"owner": poor, "currency": l.currency}); err != nil {
				return err
			}
			for _, c := range l.customers {
				account := "customer:" + c.owner + ":" + l.currency
				if err := post(ctx, url+"/v1/accounts", "open-"+account,
					map[string]any{"owner": c.owner, "currency": l.currency, "participant": c.participant}); err != nil {
					return err
				}
				if err := post(ctx, url+"/v1/deposits", fmt.Sprintf("demo-%d-%s", d.record.Run, account),
					map[string]any{"account": account, "amount": map[string]string{"currency": l.currency, "value": "20000000.00"}, "reference": "demo"}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// send sends the run's payments from outside the pods: a CSV per region, and a pain.001 file to us-east.
func (d *demo) send(ctx context.Context) error {
	dir := d.cache.Run("demo", fmt.Sprintf("run-%d", d.record.Run))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, l := range lanes {
		file := filepath.Join(dir, l.corridor+".csv")
		if err := create(file, func(w io.Writer) error { return l.writeCSV(w, d.record.Run) }); err != nil {
			return err
		}
		if err := d.pay(ctx, l.region, file, fmt.Sprintf("%d payments of %s", l.payments, l.corridor)); err != nil {
			return err
		}
	}
	file := filepath.Join(dir, "pain001.xml")
	if err := create(file, func(w io.Writer) error { return writePain001(w, d.record.Run, time.Now()) }); err != nil {
		return err
	}
	return d.pay(ctx, "us-east", file, "an ISO 20022 pain.001 of 2 payments")
}

func (d *demo) pay(ctx context.Context, region, file, what string) error {
	return d.say.Step("sending "+what+" to "+d.record.Regions[region].URL, "", func() error {
		out, err := command.New(d.tools.qiantang, "pay", "--url", d.record.Regions[region].URL, "--file", file, "--wait", "2m").
			Logged(d.cache.Log("demo-pay")).Output(ctx)
		if err != nil {
			return err
		}
		d.say.Say("%s", indent(out))
		return nil
	})
}

func create(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// settle closes each region's window now, by a SettlementRun made by hand, and waits for its end.
func (d *demo) settle(ctx context.Context) error {
	return d.say.Step("settling: one SettlementRun a region", "", func() error {
		var manifest string
		for _, l := range lanes {
			manifest += fmt.Sprintf("---\napiVersion: rails.qiantang.dev/v1alpha1\nkind: SettlementRun\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n  scheduleRef:\n    name: %s\n  regionRef:\n    name: %s\n",
				d.runName(l.region), institution, schedule, l.region)
		}
		if err := d.apply(ctx, d.record.Hub, manifest); err != nil {
			return err
		}
		for _, l := range lanes {
			if err := d.kubectl(d.record.Hub, "-n", institution, "wait", "settlementrun/"+d.runName(l.region),
				"--for=jsonpath={.status.phase}=Settled", "--timeout=120s").Run(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *demo) runName(region string) string { return fmt.Sprintf("demo-%d-%s", d.record.Run, region) }

// report prints what happened, for people, on standard output.
func (d *demo) report(ctx context.Context) error {
	args := []string{"report"}
	for _, l := range lanes {
		args = append(args, "--url", l.region+"="+d.record.Regions[l.region].URL, "--run", d.runName(l.region))
	}
	out, err := command.New(d.tools.qiantang, args...).Output(ctx)
	if err != nil {
		return err
	}
	fmt.Print("\n", out)
	return nil
}
