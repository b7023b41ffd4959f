package settle

import (
	"context"
	"os"
	"testing"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

func TestAGrossWindowOfManyObligationsIsCutIntoMessages(t *testing.T) {
	if testing.Short() {
		t.Skip("books 12,000 obligations")
	}
	b := newBench(t)
	b.region.Schedules[0].Model = ModelGross
	b.switchPlan()
	ctx := context.Background()
	as, err := b.assigner.Assign(ctx, "shanghai-daily")
	if err != nil {
		t.Fatal(err)
	}
	const each, commits = 600, 20
	for range commits {
		c := ledger.Commit{Requires: []ledger.Require{as.Require}, Accounts: []ledger.Account{b.account("qiantang-pay", "USD"), b.account("pingpong", "USD")}}
		for range each {
			c.Transfers = append(c.Transfers, ledger.Transfer{
				ID: uuid.New(), Kind: ledger.Immediate, Debit: AccountID("qiantang-pay", "USD"), Credit: AccountID("pingpong", "USD"),
				Amount: usd(101), Code: "obligation", Reference: "many", Window: as.Window,
			})
		}
		if _, err := b.ledger.Apply(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	s := b.settler(b.ledger, nil)
	if err := s.RequestRun(ctx, plan.RunRequest{Name: "many", Schedule: "shanghai-daily"}); err != nil {
		t.Fatal(err)
	}
	b.step(s)
	r := b.run(s, "many")
	if r.Phase != "Settled" || r.Payments != each*commits || len(r.Instructions) != 2 || b.balance("pingpong", "USD") != 0 {
		t.Fatalf("report %+v", r)
	}
	transfers := 0
	for _, i := range r.Instructions {
		doc, err := os.ReadFile(i.File)
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := iso20022.ReadPacs009(string(doc))
		if err != nil {
			t.Fatal(err)
		}
		transfers += len(m.Transfers)
	}
	if transfers != each*commits {
		t.Errorf("%d transfers, want %d", transfers, each*commits)
	}
}
