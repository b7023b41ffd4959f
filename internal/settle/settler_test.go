package settle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/isotest"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

func TestAScheduledWindowSettlesFromCutOffToBookings(t *testing.T) {
	b := newBench(t)
	s := b.settler(b.ledger, nil)
	b.owe("qiantang-pay", "pingpong", "7000.00", "USD")
	b.owe("qiantang-pay", "lianlian", "500.25", "USD")
	b.owe("pingpong", "qiantang-pay", "1000.25", "USD")
	b.owe("pingpong", "lianlian", "88.00", "CNY")
	b.step(s)
	if len(b.reports) != 0 {
		t.Fatalf("reported %v before the cut-off", b.reports)
	}
	b.set("2026-11-23T09:00:00Z")
	b.step(s)

	r := b.run(s, "shanghai-daily-us-east-20261123t0900z-1")
	if r.Phase != "Settled" || r.Payments != 4 || r.ValueDate != "2026-11-24" || r.Completed == nil || r.Message != "" {
		t.Fatalf("report %+v", r)
	}
	want := []plan.CurrencySum{{Currency: "CNY", Gross: "88.00", Net: "88.00"}, {Currency: "USD", Gross: "8500.50", Net: "6500.00", EfficiencyBps: 2353}}
	if fmt.Sprint(r.Currencies) != fmt.Sprint(want) {
		t.Errorf("sums %v, want %v", r.Currencies, want)
	}
	if len(r.Breaks) != 4 || !strings.Contains(strings.Join(r.Breaks, "\n"), "qiantang-pay owes 6500.00 USD net, above its net debit cap of 5000.00 USD") {
		t.Errorf("breaks %q", r.Breaks)
	}
	if len(r.Instructions) != 2 {
		t.Fatalf("instructions %+v", r.Instructions)
	}
	for _, who := range []string{"qiantang-pay", "pingpong", "lianlian"} {
		if got := b.balance(who, "USD"); got != 0 {
			t.Errorf("%s is left with %d cents", who, got)
		}
	}
	for _, i := range r.Instructions {
		doc, err := os.ReadFile(i.File)
		if err != nil {
			t.Fatal(err)
		}
		isotest.Valid(t, iso20022.IDPacs009, doc)
		head, err := os.ReadFile(strings.Replace(i.File, iso20022.IDPacs009, iso20022.IDHeader, 1))
		if err != nil {
			t.Fatal(err)
		}
		isotest.Valid(t, iso20022.IDHeader, head)
		m, _, err := iso20022.ReadPacs009(string(doc))
		if err != nil {
			t.Fatal(err)
		}
		if m.Header.Total.Decimal() != i.Amount || m.Header.MessageID != i.MessageID || m.Header.SettlementDate != "2026-11-24" {
			t.Errorf("pacs.009 %+v of instruction %+v", m.Header, i)
		}
	}
	phases := ""
	for _, r := range b.reports {
		phases += r.Phase + " "
	}
	if phases != "Netting Instructing Delivering Settled " {
		t.Errorf("reported phases %s", phases)
	}
	b.step(s)
	if len(b.reports) != 4 {
		t.Error("a settled window was touched again")
	}
}

func TestARequestedRunClosesTheWindowNowAndOnce(t *testing.T) {
	b := newBench(t)
	s := b.settler(b.ledger, nil)
	ctx := context.Background()
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	for range 3 {
		if err := s.RequestRun(ctx, plan.RunRequest{Name: "by-hand", Schedule: "shanghai-daily"}); err != nil {
			t.Fatal(err)
		}
		b.step(s)
	}
	r := b.run(s, "by-hand")
	if r.Phase != "Settled" || r.Payments != 1 || r.Window != "shanghai-daily@2026-11-23T09:00:00Z#1" {
		t.Fatalf("report %+v", r)
	}
	// What comes after counts in the next window of the same cut-off.
	b.owe("qiantang-pay", "pingpong", "20.00", "USD")
	b.set("2026-11-23T09:00:01Z")
	b.step(s)
	if r := b.run(s, "shanghai-daily-us-east-20261123t0900z-2"); r.Payments != 1 || r.Phase != "Settled" {
		t.Errorf("second window %+v", r)
	}
	if entries, err := b.ledger.EntriesByReference(ctx, "by-hand"); err != nil || len(entries) != 1 {
		t.Errorf("%d bookings of by-hand (%v)", len(entries), err)
	}
	runs, err := s.Reports(ctx, 10)
	if err != nil || len(runs) != 2 || runs[0].Name != "shanghai-daily-us-east-20261123t0900z-2" {
		t.Errorf("runs %v (%v)", runs, err)
	}
	if runs, err := s.Reports(ctx, 1); err != nil || len(runs) != 1 {
		t.Errorf("one run asked for, got %d (%v)", len(runs), err)
	}
}

func TestARunWithoutPaymentsSettlesWithNothing(t *testing.T) {
	b := newBench(t)
	s := b.settler(b.ledger, nil)
	if err := s.RequestRun(context.Background(), plan.RunRequest{Name: "empty", Schedule: "shanghai-daily"}); err != nil {
		t.Fatal(err)
	}
	b.step(s)
	if r := b.run(s, "empty"); r.Phase != "Settled" || r.Payments != 0 || len(r.Instructions) != 0 {
		t.Errorf("report %+v", r)
	}
}

func TestRunRequestsThatCannotBeAreRefused(t *testing.T) {
	b := newBench(t)
	second := daily()
	second.Name = "other"
	b.region.Schedules = append(b.region.Schedules, second)
	s := b.settler(b.ledger, nil)
	ctx := context.Background()
	var unknown *UnknownScheduleError
	if err := s.RequestRun(ctx, plan.RunRequest{Name: "x", Schedule: "nowhere"}); !errors.As(err, &unknown) || unknown.Schedule != "nowhere" {
		t.Errorf("unknown schedule: %v", err)
	}
	var invalid *ledger.InvalidError
	if err := s.RequestRun(ctx, plan.RunRequest{Schedule: "other"}); !errors.As(err, &invalid) {
		t.Errorf("no name: %v", err)
	}
	if err := s.RequestRun(ctx, plan.RunRequest{Name: "x", Schedule: "other"}); err != nil {
		t.Fatal(err)
	}
	var conflict *ledger.ConflictError
	if err := s.RequestRun(ctx, plan.RunRequest{Name: "x", Schedule: "shanghai-daily"}); !errors.As(err, &conflict) {
		t.Errorf("same name for another schedule: %v", err)
	}
}

func TestDeferredSchedulesInstructWhenTheValueDateBegins(t *testing.T) {
	b := newBench(t)
	b.region.Schedules[0].Timing = TimingDeferred
	b.switchPlan()
	s := b.settler(b.ledger, nil)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.set("2026-11-23T09:00:00Z")
	b.step(s)
	const name = "shanghai-daily-us-east-20261123t0900z-1"
	// The 24th begins in Shanghai at 16:00 UTC on the 23rd.
	b.set("2026-11-23T15:59:59Z")
	b.step(s)
	if r := b.run(s, name); r.Phase != "Instructing" || r.Instructions[0].File != "" || !strings.Contains(r.Message, "2026-11-23T16:00:00Z") {
		t.Fatalf("before: %+v", r)
	}
	b.set("2026-11-23T16:00:00Z")
	b.step(s)
	if r := b.run(s, name); r.Phase != "Settled" || r.Message != "" {
		t.Fatalf("on the day: %+v", r)
	}
}

func TestMissedCutOffsAreCaughtUpAndPausedOnesWait(t *testing.T) {
	b := newBench(t)
	b.owe("qiantang-pay", "pingpong", "1.00", "USD")
	b.set("2026-11-24T02:00:00Z")
	b.owe("qiantang-pay", "pingpong", "2.00", "USD")
	b.set("2026-11-26T02:00:00Z")
	b.region.Schedules[0].Paused = true
	s := b.settler(b.ledger, nil)
	b.step(s)
	if n, err := s.Reports(context.Background(), 10); err != nil || len(n) != 0 {
		t.Fatalf("a paused schedule closed %d windows (%v)", len(n), err)
	}
	b.region.Schedules[0].Paused = false
	if err := s.Switch(context.Background(), b.region); err != nil {
		t.Fatal(err)
	}
	b.step(s)
	for _, name := range []string{"shanghai-daily-us-east-20261123t0900z-1", "shanghai-daily-us-east-20261124t0900z-1"} {
		if r := b.run(s, name); r.Phase != "Settled" || r.Payments != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestAWindowWhoseScheduleHasGoneIsSettledByItsOwnTerms(t *testing.T) {
	b := newBench(t)
	b.owe("qiantang-pay", "pingpong", "1.00", "USD")
	b.region.Schedules, b.region.Participants = nil, nil
	s := b.settler(b.ledger, nil)
	b.set("2026-11-23T09:00:00Z")
	b.step(s)
	r := b.run(s, "shanghai-daily-us-east-20261123t0900z-1")
	if r.Phase != "Settled" || r.ValueDate != "2026-11-24" || len(r.Breaks) != 2 {
		t.Errorf("report %+v", r)
	}
}

func TestGrossAndBilateralSettleObligationsAndPairs(t *testing.T) {
	for model, want := range map[string]int{ModelGross: 5, ModelBilateral: 2} {
		t.Run(model, func(t *testing.T) {
			b := newBench(t)
			// An earlier window's entries stand in the same accounts and must not count.
			b.owe("qiantang-pay", "pingpong", "999.00", "USD")
			s := b.settler(b.ledger, nil)
			if err := s.RequestRun(context.Background(), plan.RunRequest{Name: "earlier", Schedule: "shanghai-daily"}); err != nil {
				t.Fatal(err)
			}
			b.step(s)
			b.later(time.Minute)
			b.region.Schedules[0].Model = model
			b.switchPlan()
			s = b.settler(b.ledger, nil)
			for range 3 {
				b.owe("qiantang-pay", "pingpong", "10.00", "USD")
			}
			b.owe("pingpong", "qiantang-pay", "4.00", "USD")
			b.owe("lianlian", "pingpong", "1.00", "USD")
			b.set("2026-11-23T09:00:00Z")
			b.step(s)
			r := b.run(s, "shanghai-daily-us-east-20261123t0900z-2")
			if r.Phase != "Settled" || r.Payments != 5 {
				t.Fatalf("report %+v", r)
			}
			transfers := 0
			for _, i := range r.Instructions {
				doc, err := os.ReadFile(i.File)
				if err != nil {
					t.Fatal(err)
				}
				isotest.Valid(t, iso20022.IDPacs009, doc)
				m, _, err := iso20022.ReadPacs009(string(doc))
				if err != nil {
					t.Fatal(err)
				}
				transfers += len(m.Transfers)
			}
			if transfers != want {
				t.Errorf("%d transfers, want %d", transfers, want)
			}
			for _, who := range []string{"qiantang-pay", "pingpong", "lianlian"} {
				if got := b.balance(who, "USD"); got != 0 {
					t.Errorf("%s is left with %d", who, got)
				}
			}
		})
	}
}
