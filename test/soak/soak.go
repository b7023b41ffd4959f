package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
	"qiantang.dev/rails/test/stage"
)

type config struct {
	program           string
	payments, senders int
	killEvery, outage time.Duration
	patience          time.Duration
	dir               string
	between           string // a currency that every payment goes by; empty: none
	logf              func(format string, args ...any)
}

// providers, all of them; each gets the same share of the payments.
var providers = []string{"pingpong", "lianlian", "antom", "openfx"}

// bad is how each of them behaves all the time: one in a hundred requests is answered with an error, one payout in a hundred loses its
// answer (half of those were taken), one answer in a hundred is slow, one payout in a hundred is confirmed late and one is refused.
var bad = sim.Faults{SpreadBps: 20, ErrorBps: 100, UnknownBps: 100, SlowBps: 100, Slow: plan.Text(time.Second), LateBps: 100, Late: plan.Text(2 * time.Second), RefuseBps: 100}

// soak is one run.
type soak struct {
	config
	simulator *stage.Simulator
	address   string
	resources string
	client    *client.Client
	answered  atomic.Int64
	refused   atomic.Int64
	kills     int
	outages   atomic.Int64
	rejects   []client.SummaryReject
}

func run(ctx context.Context, c config) (*figures, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	if c.dir == "" {
		dir, err := os.MkdirTemp("", "qiantang-soak-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		c.dir = dir
	}
	s := &soak{config: c, resources: filepath.Join(c.dir, "resources")}
	var err error
	if s.simulator, err = stage.StartSimulator(ctx, c.program, filepath.Join(c.dir, "keys")); err != nil {
		return nil, err
	}
	defer s.simulator.Kill()
	if err := os.MkdirAll(s.resources, 0o700); err != nil {
		return nil, err
	}
	r := stage.Resources{Simulator: s.simulator.URL, Providers: providers, Credentials: s.simulator.Credentials, Corridors: 1, Between: c.between}
	if err := r.Write(s.resources); err != nil {
		return nil, err
	}
	if s.address, err = stage.FreeAddress(ctx); err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: c.senders}
	defer transport.CloseIdleConnections()
	if s.client, err = client.New("http://"+s.address, &http.Client{Transport: transport, Timeout: time.Minute}); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := s.perform(ctx); err != nil {
		return nil, err
	}
	return s.judge(ctx, time.Since(began))
}

// perform makes all payments and returns, with the router ended in order, once none is under way any more.
func (s *soak) perform(ctx context.Context) error {
	router, err := s.start(ctx)
	if err != nil {
		return err
	}
	if err := s.fund(ctx); err != nil {
		router.Kill()
		return err
	}
	for _, name := range providers {
		if err := s.simulator.Misbehave(ctx, name, bad); err != nil {
			router.Kill()
			return err
		}
	}
	sending, sent := context.WithCancel(ctx)
	errs := make(chan error, 2)
	go func() { errs <- s.outagesUntil(sending) }()
	go func() {
		defer sent()
		errs <- s.send(ctx)
	}()
	router, err = s.killUntil(sending, router)
	sent()
	err = errors.Join(err, <-errs, <-errs)
	if err == nil {
		s.logf("%d payments are answered, %d of them with a refusal, after %d kills; what is under way ends", s.answered.Load(), s.refused.Load(), s.kills)
		err = s.drain(ctx)
	}
	if router != nil {
		err = errors.Join(err, router.Stop(30*time.Second))
	}
	return err
}

// start starts a router on the ledger as the last one left it.
func (s *soak) start(ctx context.Context) (*stage.Process, error) {
	p, err := stage.Start("router", s.program, "up", "-f", s.resources, "--data", filepath.Join(s.dir, "data"), "--listen", s.address)
	if err != nil {
		return nil, err
	}
	ready, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := p.Await(ready, "http://"+s.address+"/readyz"); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// killUntil kills the router again and again until ctx ends, and returns the one that then lives.
func (s *soak) killUntil(ctx context.Context, router *stage.Process) (*stage.Process, error) {
	tick := time.NewTicker(s.killEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return router, nil
		case <-tick.C:
		}
		router.Kill()
		s.kills++
		next, err := s.start(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		router = next
		tick.Reset(s.killEvery)
		if s.kills%10 == 0 {
			s.logf("%d payments answered, %d kills, %d outages", s.answered.Load(), s.kills, s.outages.Load())
		}
	}
}

// outagesUntil makes one provider after the other go away and come back, until ctx ends.
func (s *soak) outagesUntil(ctx context.Context) error {
	lasting := context.WithoutCancel(ctx)
	tick := time.NewTicker(s.outage)
	defer tick.Stop()
	for i := 0; ; i++ {
		f := bad
		f.Outage = i%2 == 0
		if err := s.simulator.Misbehave(lasting, providers[i/2%len(providers)], f); err != nil {
			return err
		}
		if f.Outage {
			s.outages.Add(1)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			f.Outage = false
			return s.simulator.Misbehave(lasting, providers[i/2%len(providers)], f)
		}
	}
}

func (s *soak) fund(ctx context.Context) error {
	if _, err := s.client.OpenAccount(ctx, client.AccountRequest{Owner: "soak", Currency: "USD"}); err != nil {
		return err
	}
	_, err := s.client.Deposit(ctx, "fund", client.DepositRequest{Account: account, Amount: client.Money{Currency: "USD", Value: deposit}})
	return err
}

const (
	account = "customer:soak:USD"
	deposit = "900000000.00"
)

// amount of the i-th payment: many different ones, so that a cent in the wrong place is seen.
func amount(i int) string { return fmt.Sprintf("%d.%02d", 10+i%997, i%100) }

// send makes every payment, each until it is answered for good.
func (s *soak) send(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var senders sync.WaitGroup
	for range s.senders {
		senders.Go(func() {
			for i := range next {
				if err := s.pay(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range s.payments {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	senders.Wait()
	return context.Cause(ctx)
}

func (s *soak) pay(ctx context.Context, i int) error {
	req := client.PaymentRequest{
		Corridor: stage.Corridor, Account: account, Amount: client.Money{Currency: "USD", Value: amount(i)},
		Beneficiary: client.Party{Name: "Hangzhou Silk", Country: "CN", Account: "6222021234567890", AgentBIC: "ICBKCNBJ", CNAPS: "102331000018", Town: "Hangzhou"},
		Purpose:     "GDDS", Reference: fmt.Sprint("INV-", i),
	}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := s.client.Pay(ctx, fmt.Sprint("soak-", i), req)
		var problem *client.Problem
		switch {
		case err == nil:
			s.answered.Add(1)
			return nil
		case errors.As(err, &problem) && problem.Instance != "": // a refusal on record
			s.answered.Add(1)
			s.refused.Add(1)
			return nil
		case errors.As(err, &problem) && problem.Status < http.StatusInternalServerError && problem.Status != http.StatusTooManyRequests:
			return fmt.Errorf("payment %d: %w", i, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
}

// drain waits until no payment is under way.
func (s *soak) drain(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		sum, err := s.client.Summary(ctx)
		if err != nil {
			return err
		}
		left := sum.Payments
		for _, state := range final {
			left -= sum.States[state]
		}
		if left == 0 {
			s.rejects = sum.Rejects
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d payments have not ended, of %v: %w", left, sum.States, ctx.Err())
		case <-tick.C:
		}
	}
}
