package settle

import (
	"context"
	"testing"
	"time"

	"qiantang.dev/rails/internal/plan"
)

func TestRunSettlesWhatIsRequestedAndEndsWithItsContext(t *testing.T) {
	b := newBench(t)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	settled := make(chan plan.RunReport, 16)
	s := New(Options{Ledger: b.ledger, Clock: b.now, Directory: b.dir, OnReport: func(r plan.RunReport) { settled <- r }})
	if err := s.Switch(context.Background(), b.region); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if err := s.RequestRun(ctx, plan.RunRequest{Name: "by-hand", Schedule: "shanghai-daily"}); err != nil {
		t.Error(err)
	}
	patience := time.After(30 * time.Second)
	for phase := ""; phase != "Settled"; {
		select {
		case r := <-settled:
			phase = r.Phase
		case <-patience:
			t.Fatal("the run was never settled")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run ended with %v", err)
	}
}
