package settle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/isotest"
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
	booked   int
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

// fakeClearing answers as an HTTP clearing system: each message once, with the status that the test sets.
type fakeClearing struct {
	mu     sync.Mutex
	seen   map[string]string // MsgId → body
	posts  int
	status func(id string, asked int) (code int, group string)
	asked  map[string]int
}

func (f *fakeClearing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := ""
	if r.Method == http.MethodPost {
		f.posts++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		m, _, err := iso20022.ReadPacs009(string(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
			return
		}
		id = m.Header.MessageID
		if old, ok := f.seen[id]; ok && old != string(body) {
			http.Error(w, "other content", http.StatusConflict)
			return
		}
		f.seen[id] = string(body)
	} else {
		id = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if _, ok := f.seen[id]; !ok {
			http.NotFound(w, r)
			return
		}
	}
	f.asked[id]++
	code, group := f.status(id, f.asked[id])
	if code != http.StatusOK {
		w.WriteHeader(code)
		return
	}
	answer := iso20022.Pacs002{MessageID: "A1", Created: "2026-11-23T09:00:00+00:00", Groups: []iso20022.GroupState{
		{MessageID: id, MessageName: iso20022.IDPacs009, Status: group},
	}}
	if group == "RJCT" {
		answer.Groups[0].Reasons = []iso20022.Reason{{Reason: &iso20022.Code{Code: "AM23"}}}
	}
	if group == "PART" {
		for i, st := range []string{"ACSC", "RJCT"} {
			answer.Transfers = append(answer.Transfers, iso20022.BankState{OriginalInstructionID: transferID(id, i), Status: st})
		}
	}
	doc, err := answer.Append(nil, false)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(doc)
}

func (b *bench) clearing(status func(id string, asked int) (int, string)) *fakeClearing {
	b.t.Helper()
	f := &fakeClearing{seen: map[string]string{}, asked: map[string]int{}, status: status}
	srv := httptest.NewServer(f)
	b.t.Cleanup(srv.Close)
	b.region.Schedules[0].Delivery.Endpoint = srv.URL + "/clearing"
	b.switchPlan()
	return f
}

func TestAnswersAreFollowedUntilFinal(t *testing.T) {
	b := newBench(t)
	f := b.clearing(func(_ string, asked int) (int, string) {
		return http.StatusOK, []string{"RCVD", "PDNG", "ACSC"}[min(asked-1, 2)]
	})
	s := b.settler(b.ledger, nil)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.set("2026-11-23T09:00:00Z")
	const name = "shanghai-daily-us-east-20261123t0900z-1"
	b.step(s)
	if r := b.run(s, name); r.Phase != "Delivering" || r.Instructions[0].Status != StatusDelivered || b.balance("pingpong", "USD") != 1000 {
		t.Fatalf("before the answer: %+v", r)
	}
	for range 2 {
		b.later(followEvery)
		b.step(s)
	}
	if r := b.run(s, name); r.Phase != "Settled" || r.Instructions[0].Status != StatusAccepted || b.balance("pingpong", "USD") != 0 {
		t.Fatalf("after the answer: %+v", r)
	}
	if f.posts != 1 {
		t.Errorf("sent %d times", f.posts)
	}
}

func TestTroubleIsReportedAndTriedAgainWithTheSameMessage(t *testing.T) {
	b := newBench(t)
	f := b.clearing(func(_ string, asked int) (int, string) {
		if asked < 3 {
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, "ACSC"
	})
	s := b.settler(b.ledger, nil)
	b.owe("qiantang-pay", "pingpong", "10.00", "USD")
	b.set("2026-11-23T09:00:00Z")
	const name = "shanghai-daily-us-east-20261123t0900z-1"
	b.step(s)
	if r := b.run(s, name); r.Phase != "Delivering" || !strings.Contains(r.Message, "503") {
		t.Fatalf("report %+v", r)
	}
	for range 4 {
		b.later(maxBackoff)
		b.step(s)
	}
	if r := b.run(s, name); r.Phase != "Settled" || r.Message != "" || len(f.seen) != 1 {
		t.Fatalf("report %+v, %d messages", r, len(f.seen))
	}
}

func TestRejectedInstructionsFailTheRunAndAreNotBooked(t *testing.T) {
	for group, want := range map[string]struct{ pingpong, lianlian int64 }{
		"RJCT": {1000, 500}, "PART": {1000, 0},
	} {
		t.Run(group, func(t *testing.T) {
			b := newBench(t)
			b.clearing(func(string, int) (int, string) { return http.StatusOK, group })
			s := b.settler(b.ledger, nil)
			b.owe("qiantang-pay", "pingpong", "10.00", "USD")
			b.owe("qiantang-pay", "lianlian", "5.00", "USD")
			b.set("2026-11-23T09:00:00Z")
			b.step(s)
			r := b.run(s, "shanghai-daily-us-east-20261123t0900z-1")
			if r.Phase != "Failed" || r.Instructions[0].Status != StatusRejected || !strings.Contains(strings.Join(r.Breaks, "\n"), "was rejected") {
				t.Fatalf("report %+v", r)
			}
			if p, l := b.balance("pingpong", "USD"), b.balance("lianlian", "USD"); p != want.pingpong || l != want.lianlian {
				t.Errorf("left: pingpong %d, lianlian %d; want %+v", p, l, want)
			}
		})
	}
}
