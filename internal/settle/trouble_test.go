package settle

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

const firstRun = "shanghai-daily-us-east-20261123t0900z-1"

func TestAMalformedParticipantStopsNettingUntilThePlanIsMended(t *testing.T) {
	b := newBench(t)
	b.region.Participants[1].BIC = "not a BIC"
	s := b.settler(b.ledger, nil)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.set("2026-11-23T09:00:00Z")
	b.step(s)
	if r := b.run(s, firstRun); r.Phase != "Netting" || !strings.Contains(r.Message, "not a BIC") || !strings.Contains(r.Message, "BICFI") {
		t.Fatalf("report %+v", r)
	}
	b.region.Participants[1].BIC = "PPGGCNSH"
	if err := s.Switch(context.Background(), b.region); err != nil {
		t.Fatal(err)
	}
	b.later(maxBackoff)
	b.step(s)
	if r := b.run(s, firstRun); r.Phase != "Settled" || r.Message != "" {
		t.Errorf("report %+v", r)
	}
}

func TestADirectoryOutsideTheVolumeIsTroubleAndNoFile(t *testing.T) {
	b := newBench(t)
	b.region.Schedules[0].Delivery.Directory = "../../etc"
	b.switchPlan()
	s := b.settler(b.ledger, nil)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.set("2026-11-23T09:00:00Z")
	b.step(s)
	if r := b.run(s, firstRun); r.Phase != "Instructing" || r.Message == "" || b.balance("pingpong", "USD") != 1000 {
		t.Errorf("report %+v", r)
	}
}

func TestAnEntryThatIsNotOfSettlementStopsTheWindow(t *testing.T) {
	b := newBench(t)
	s := b.settler(b.ledger, nil)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	ctx := context.Background()
	as, err := b.assigner.Assign(ctx, "shanghai-daily")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.ledger.Apply(ctx, ledger.Commit{
		Accounts: []ledger.Account{{ID: "fees:x:USD", Owner: "x", Type: ledger.Income, Currency: "USD"}},
		Transfers: []ledger.Transfer{{ID: uuid.New(), Kind: ledger.Immediate, Debit: AccountID("pingpong", "USD"), Credit: "fees:x:USD",
			Amount: usd(1), Code: "fee", Reference: "x", Window: as.Window}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.set("2026-11-23T09:00:00Z")
	b.step(s)
	if r := b.run(s, firstRun); r.Phase != "Netting" || !strings.Contains(r.Message, "fees:x:USD") {
		t.Errorf("report %+v", r)
	}
}

func TestARunByHandMayTakeTheNameOfAScheduledOne(t *testing.T) {
	b := newBench(t)
	s := b.settler(b.ledger, nil)
	ctx := context.Background()
	if err := s.RequestRun(ctx, plan.RunRequest{Name: "shanghai-daily-us-east-20261124t0900z-1", Schedule: "shanghai-daily"}); err != nil {
		t.Fatal(err)
	}
	b.step(s)
	b.set("2026-11-23T10:00:00Z")
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.set("2026-11-24T09:00:00Z")
	b.step(s)
	runs, err := s.Reports(ctx, 10)
	if err != nil || len(runs) != 2 || runs[0].Phase != "Settled" || !strings.HasPrefix(runs[0].Name, "run-") {
		t.Errorf("runs %+v (%v)", runs, err)
	}
}

func TestARecordThatCannotBeReadStopsNoOther(t *testing.T) {
	b := newBench(t)
	s := b.settler(b.ledger, nil)
	_, err := b.ledger.Apply(context.Background(), ledger.Commit{Puts: []ledger.Put{
		{Kind: KindWindow, Key: "a@2026-11-23T09:00:00Z#1", State: StateOpen, Due: at("2026-11-23T09:00:00Z"), Body: []byte(`[]`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.set("2026-11-23T09:00:00Z")
	b.step(s)
	if r := b.run(s, firstRun); r.Phase != "Settled" {
		t.Errorf("report %+v", r)
	}
}

func TestReferencesFitTheLedger(t *testing.T) {
	long := strings.Repeat("r", 160)
	if a, b := Reference(long), Reference(long+"x"); len(a) > 64 || a == b {
		t.Errorf("%q and %q", a, b)
	}
	if got := Reference("by-hand"); got != "by-hand" {
		t.Errorf("%q", got)
	}
}

func TestPausesGrowAndAreBounded(t *testing.T) {
	if backoff(1) != time.Second || backoff(4) != 8*time.Second || backoff(1000) != maxBackoff {
		t.Errorf("%s, %s, %s", backoff(1), backoff(4), backoff(1000))
	}
}
