package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"qiantang.dev/rails/pkg/client"
)

// printed collects what a command prints while it runs.
type printed struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("not reached: " + what)
		}
	}
}

// startUp runs `qiantang up` on a copy of the samples until the test ends.
func startUp(t *testing.T) (dir string, api *client.Client, out *printed) {
	t.Helper()
	return startUpWith(t, func(string) {})
}

// startUpWith changes the copy first.
func startUpWith(t *testing.T, change func(dir string)) (dir string, api *client.Client, out *printed) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../config/samples")); err != nil {
		t.Fatal(err)
	}
	change(dir)
	ctx, stop := context.WithCancel(t.Context())
	out = &printed{}
	done := make(chan error, 1)
	go func() { done <- runUp(ctx, upFlags{dir: dir, listen: "127.0.0.1:0", logLevel: -1}, out) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("up ended with %v", err)
		}
	})
	address := regexp.MustCompile(`API +(https?://\S+)/v1/corridors`)
	until(t, "it says where it serves", func() bool { return address.MatchString(out.String()) })
	api, err := client.New(address.FindStringSubmatch(out.String())[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	return dir, api, out
}

func corridors(t *testing.T, api *client.Client) (names []string) {
	t.Helper()
	list, err := api.Corridors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list.Corridors {
		names = append(names, c.Name)
	}
	return names
}

func TestUpPaysOverTheSamples(t *testing.T) {
	_, api, _ := startUp(t)
	if _, err := api.OpenAccount(t.Context(), client.AccountRequest{Owner: "acme", Currency: "CNY", Participant: "antom"}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Deposit(t.Context(), "d", client.DepositRequest{Account: "customer:acme:CNY", Amount: client.Money{Currency: "CNY", Value: "5000.00"}}); err != nil {
		t.Fatal(err)
	}
	request := client.PaymentRequest{
		Corridor: "cn-us", Account: "customer:acme:CNY", Amount: client.Money{Currency: "CNY", Value: "1000.00"}, Purpose: "GDDS",
		Beneficiary: client.Party{Name: "Harbor Goods LLC", Country: "US", Account: "021000021998877", AgentBIC: "CHASUS33"},
	}
	p, err := api.Pay(t.Context(), "first", request)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the payment is paid", func() bool {
		p, err = api.Payment(t.Context(), p.ID)
		return err == nil && p.Status == client.Paid
	})
	request.Amount.Value = "9000.00"
	var problem *client.Problem
	if _, err := api.Pay(t.Context(), "second", request); !errors.As(err, &problem) || problem.Code() != "insufficient-funds" {
		t.Errorf("got %v", err)
	}
}

func TestUpServesChangesAndKeepsTheLastGood(t *testing.T) {
	dir, api, out := startUp(t)
	before := corridors(t, api)
	file := filepath.Join(dir, "70-corridors.yaml")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.ReplaceAll(string(good), "name: cips\n", "name: no-such-rail\n"))
	until(t, "the finding is printed", func() bool { return strings.Contains(out.String(), `"no-such-rail"`) })
	if now := corridors(t, api); len(now) != len(before) {
		t.Errorf("serves %v, want the last good %v", now, before)
	}
	write(string(good) + strings.ReplaceAll(`---
apiVersion: rails.qiantang.dev/v1alpha1
kind: PaymentCorridor
metadata: {name: hk-cn, namespace: demo}
spec:
  source: {country: HK, currency: USD}
  destination: {country: CN, currency: CNY}
  regions: [cn-hangzhou]
  rails: [{name: cips}]
  providers: [{name: antom}]
`, "\t", "  "))
	until(t, "the new corridor is served", func() bool { return strings.Contains(strings.Join(corridors(t, api), " "), "hk-cn") })
}

func TestUpRefusesToBegin(t *testing.T) {
	empty, invalid := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(invalid, "a.yaml"), []byte("apiVersion: rails.qiantang.dev/v1alpha1\nkind: PaymentCorridor\nmetadata: {name: a}\nspec: {sauce: {}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]upFlags{
		"no .yaml":                 {dir: empty, listen: "127.0.0.1:0"},
		"no valid PaymentCorridor": {dir: invalid, listen: "127.0.0.1:0"},
		"no-such-folder":           {dir: "no-such-folder", listen: "127.0.0.1:0"},
		"--listen":                 {dir: "../../config/samples", listen: "256.0.0.1:80"},
		"carrier-pigeon":           {dir: "../../config/samples", listen: "127.0.0.1:0", ledger: "carrier-pigeon://x"},
	} {
		if err := runUp(t.Context(), f, &printed{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}
