package settle

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/sqlite"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// bench is a ledger, a clock and a clearing system for one test.
type bench struct {
	t        *testing.T
	ledger   ledger.Ledger
	dir      string
	mu       sync.Mutex
	time     time.Time
	region   *plan.Region
	assigner *Assigner
	reports  []plan.RunReport
}

func newBench(t *testing.T) *bench {
	t.Helper()
	l, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "ledger.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close ledger: %v", err)
		}
	})
	b := &bench{t: t, ledger: l, dir: filepath.Join(t.TempDir(), "settlement"), time: at("2026-11-23T02:00:00Z")}
	b.region = &plan.Region{
		Institution: "demo", Name: "us-east", Self: "qiantang-pay", Schedules: []plan.Schedule{daily()},
		Participants: []plan.Participant{
			{Name: "qiantang-pay", BIC: "QTPYCNSH", LegalName: "Qiantang Pay", Country: "CN", Accounts: []plan.ParticipantAccount{
				{Currency: "USD", Other: "100200", NetDebitCap: "5000.00"}, {Currency: "CNY", Other: "100201"}}},
			{Name: "pingpong", BIC: "PPGGCNSH", LegalName: "PingPong", Country: "CN", Accounts: []plan.ParticipantAccount{
				{Currency: "USD", IBAN: "GB29NWBK60161331926819"}, {Currency: "CNY", Other: "300400"}}},
			{Name: "lianlian", LEI: "529900T8BM49AURSDO55", LegalName: "LianLian & Söhne <Global>", Country: "CN"},
		},
	}
	b.assigner = NewAssigner(l, b.now)
	b.switchPlan()
	return b
}

func (b *bench) switchPlan() {
	b.t.Helper()
	if err := b.assigner.Switch(b.region); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.time
}

func (b *bench) set(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.time = at(s)
}

func (b *bench) later(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.time = b.time.Add(d)
}

func (b *bench) settler(l ledger.Ledger, files store) *Settler {
	b.t.Helper()
	s := New(Options{Ledger: l, Clock: b.now, Directory: b.dir, OnReport: func(r plan.RunReport) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.reports = append(b.reports, r)
	}})
	if files != nil {
		s.files = files
	}
	if err := s.Switch(context.Background(), b.region); err != nil {
		b.t.Fatal(err)
	}
	return s
}

// owe books one obligation as a router does.
func (b *bench) owe(from, to, amount string, c money.Currency) {
	b.t.Helper()
	a, err := money.ParseAmount(amount, c)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.tryOwe(b.assigner, from, to, a); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) tryOwe(assigner *Assigner, from, to string, a money.Amount) error {
	ctx := context.Background()
	id := uuid.New()
	for {
		as, err := assigner.Assign(ctx, "shanghai-daily")
		if err != nil {
			return err
		}
		_, err = b.ledger.Apply(ctx, ledger.Commit{
			Requires: []ledger.Require{as.Require},
			Accounts: []ledger.Account{b.account(from, a.Currency()), b.account(to, a.Currency())},
			Transfers: []ledger.Transfer{{
				ID: id, Kind: ledger.Immediate, Debit: AccountID(from, a.Currency()), Credit: AccountID(to, a.Currency()),
				Amount: a, Code: "obligation", Reference: "payment-" + id.String()[:8], Window: as.Window,
			}},
		})
		var shut *ledger.RequirementError
		if !errors.As(err, &shut) {
			return err
		}
		assigner.Refresh(ctx, as.Window)
	}
}

func (b *bench) account(participant string, c money.Currency) ledger.Account {
	return ledger.Account{ID: AccountID(participant, c), Owner: participant, Participant: participant, Type: ledger.Liability, Currency: c}
}

func (b *bench) step(s *Settler) {
	b.t.Helper()
	if err := s.Step(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) balance(participant string, c money.Currency) int64 {
	b.t.Helper()
	bal, err := b.ledger.Balance(context.Background(), AccountID(participant, c))
	if err != nil {
		b.t.Fatal(err)
	}
	return bal.Posted
}

func (b *bench) run(s *Settler, name string) plan.RunReport {
	b.t.Helper()
	r, err := s.Report(context.Background(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}
