package router

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/pkg/client"
)

// books is the least that tells whether lines add up: credits less debits by account, and the reserves that stand.
type books struct {
	t        *rapid.T
	balance  map[string]int64
	lines    map[uuid.UUID]ledger.Transfer
	reversed map[uuid.UUID]int64
}

func newBooks(t *rapid.T) *books {
	return &books{t: t, balance: map[string]int64{}, lines: map[uuid.UUID]ledger.Transfer{}, reversed: map[uuid.UUID]int64{}}
}

func (b *books) book(e entries) {
	for _, tr := range e.transfers {
		if _, ok := b.lines[tr.ID]; ok {
			b.t.Fatalf("line %s %s has the ID of another", tr.Code, tr.ID)
		}
		debit, credit := tr.Debit, tr.Credit
		switch tr.Kind {
		case ledger.Reserve:
			b.lines[tr.ID] = tr
			continue
		case ledger.Post, ledger.Void:
			held, ok := b.lines[tr.Ref]
			if !ok || held.Kind != ledger.Reserve {
				b.t.Fatalf("%s %s points at no reserve", tr.Kind, tr.Code)
			}
			delete(b.lines, tr.Ref)
			tr.Debit, tr.Credit = held.Debit, held.Credit
			b.lines[tr.ID] = tr
			if tr.Kind == ledger.Void {
				continue
			}
			if tr.Amount != held.Amount {
				b.t.Fatalf("posts %s of a reserve of %s", tr.Amount, held.Amount)
			}
			debit, credit = held.Debit, held.Credit
		case ledger.Reverse:
			old, ok := b.lines[tr.Ref]
			b.reversed[tr.Ref] += tr.Amount.Minor()
			if !ok || old.Amount.Currency() != tr.Amount.Currency() || b.reversed[tr.Ref] > old.Amount.Minor() {
				b.t.Fatalf("reversals of %s exceed it", tr.Code)
			}
			debit, credit = old.Credit, old.Debit
		default:
			b.lines[tr.ID] = tr
		}
		if !tr.Amount.IsPositive() {
			b.t.Fatalf("line %s of %s", tr.Code, tr.Amount)
		}
		b.balance[debit] -= tr.Amount.Minor()
		b.balance[credit] += tr.Amount.Minor()
	}
}

func (b *books) want(account string, minor int64) {
	b.t.Helper()
	if b.balance[account] != minor {
		b.t.Fatalf("%s stands at %d, want %d", account, b.balance[account], minor)
	}
}

// drawPayment is a payment with any split of its amount.
func drawPayment(t *rapid.T) *payment {
	currency := func(label string) money.Currency {
		return money.Currency(rapid.SampledFrom([]string{"USD", "CNY", "EUR", "JPY", "BHD"}).Draw(t, label))
	}
	src, dst := currency("source"), currency("destination")
	fee := rapid.Int64Range(0, 1e6).Draw(t, "fee")
	principal := rapid.Int64Range(1, 1e12).Draw(t, "principal")
	receivedMinor := rapid.Int64Range(1, 1e12).Draw(t, "received")
	spread := rapid.Int64Range(1-receivedMinor, 1e9).Draw(t, "spread")
	member := func(label string) string {
		return rapid.SampledFrom([]string{"", "self", "bank", "provider"}).Draw(t, label)
	}
	in := func(minor int64, c money.Currency) sum { return sum{money.FromMinor(minor, c)} }
	return &payment{
		ID: uuid.New(), UETR: uuid.New(), Corridor: "us-cn", Account: "customer:acme:" + string(src), Participant: member("customer's"),
		Schedule: rapid.SampledFrom([]string{"", "daily"}).Draw(t, "schedule"), Amount: in(fee+principal, src), Attempt: 1,
		Route: &taken{
			Provider: "p", Rail: "cips", Participant: member("provider's"), Fee: in(fee, src), Principal: in(principal, src),
			Received: in(receivedMinor, dst), Spread: in(spread, dst),
		},
		state: client.Instructing,
	}
}

func TestAPaidPaymentAccountsForEveryMinorUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPayment(t)
		r := p.Route
		b := newBooks(t)
		b.book(bookReserve(p))
		b.want(p.Account, 0)
		paid, err := bookPaid(p, "w1")
		if err != nil {
			t.Fatal(err)
		}
		b.book(paid)
		src, dst := string(p.Amount.Currency()), string(r.Received.Currency())
		b.want(p.Account, -p.Amount.Minor())
		b.want("fees:us-cn:"+src, r.Fee.Minor())
		b.want("spread:p:"+dst, r.Spread.Minor())
		b.want("payout:cips:"+dst, r.Received.Minor())
		b.want("clearing:us-cn:"+src, 0)
		b.want("clearing:us-cn:"+dst, 0)
		mid := r.Received.Minor() + r.Spread.Minor()
		if src != dst {
			b.want("fx:p:"+src, r.Principal.Minor())
			b.want("fx:p:"+dst, -mid)
		} else {
			b.want("fx:p:"+src, r.Principal.Minor()-mid)
		}
		obligations := 0
		for _, tr := range paid.transfers {
			if tr.Code == "obligation" {
				obligations++
				if tr.Window != "w1" || tr.Amount != r.Principal.Amount || tr.Debit != "settlement:"+p.Participant+":"+src || tr.Credit != "settlement:"+r.Participant+":"+src {
					t.Fatalf("obligation %+v", tr)
				}
			} else if tr.Window != "" {
				t.Fatalf("line %s counts in window %s", tr.Code, tr.Window)
			}
		}
		if want := p.Schedule != "" && p.Participant != "" && r.Participant != "" && p.Participant != r.Participant; want != (obligations == 1) {
			t.Fatalf("%d obligations, wanted one: %v", obligations, want)
		}
		p.Window = "w1"
		back, err := bookReturn(p, "w2")
		if err != nil {
			t.Fatal(err)
		}
		b.book(back)
		for account := range b.balance {
			b.want(account, 0)
		}
		for _, tr := range back.transfers {
			if (tr.Window == "w2") != (tr.Code == "obligation") {
				t.Fatalf("reversal of %s counts in window %q", tr.Code, tr.Window)
			}
		}
	})
}

func TestAnOpenReserveIsVoidedWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPayment(t)
		b := newBooks(t)
		b.book(bookReserve(p))
		b.book(bookVoid(p))
		for account := range b.balance {
			b.want(account, 0)
		}
	})
}

func TestASplitThatIsNotTheAmountIsNotBooked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPayment(t)
		p.Amount = sum{money.FromMinor(p.Amount.Minor()+rapid.Int64Range(1, 100).Draw(t, "more"), p.Amount.Currency())}
		if _, err := bookPaid(p, ""); err == nil {
			t.Fatal("booked a payment whose fee and principal are not its amount")
		}
	})
}

func TestAPaymentsRecordReadsAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPayment(t)
		rate, err := money.ParseRate("7.12345")
		if err != nil {
			t.Fatal(err)
		}
		p.Route.Rate, p.Route.Expires = rate, time.Date(2026, 11, 23, 17, 0, 0, 123000, time.UTC)
		p.Beneficiary, p.Metadata = client.Party{Name: "李 & Söhne", Country: "CN", Account: "6222"}, map[string]string{"a": "b"}
		p.Created = time.Date(2026, 11, 23, 17, 0, 0, 456000, time.UTC)
		p.Updated = p.Created
		put, err := p.put(time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodePayment(ledger.Record{Key: put.Key, Body: put.Body, State: put.State})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(p, again) {
			a, _ := json.Marshal(p)
			c, _ := json.Marshal(again)
			t.Fatalf("wrote\n%s\nread\n%s", a, c)
		}
	})
}

func TestInstructionIDsFitISO20022AndDifferByAttempt(t *testing.T) {
	p := &payment{ID: uuid.New(), Attempt: 1}
	first := p.instructionID()
	p.Attempt = maxAttempts
	if last := p.instructionID(); first == last || len(last) > 35 {
		t.Errorf("instruction IDs %q and %q", first, last)
	}
}

func TestLinesOfAnEarlierPaymentAreNamedByVersion5(t *testing.T) {
	id := uuid.New()
	for _, name := range []string{"", "reserve", strings.Repeat("long", 40)} {
		if got, want := (&payment{ID: id}).line(name), uuid.NewSHA1(id, []byte(name)); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

func TestLinesLieTogether(t *testing.T) {
	p := &payment{ID: uuid.Must(uuid.NewV7()), Names: namesTogether}
	seen := map[uuid.UUID]string{}
	for _, name := range []string{"reserve", "post", "fee", "principal", "fx", "spread", "payout", "obligation", "return/fee"} {
		got := p.line(name)
		if got.Version() != 8 || got.Variant() != uuid.RFC4122 || !bytes.Equal(got[:6], p.ID[:6]) || seen[got] != "" || got != p.line(name) {
			t.Errorf("%s: %s of %s, as %q", name, got, p.ID, seen[got])
		}
		seen[got] = name
	}
	other := &payment{ID: uuid.Must(uuid.NewV7()), Names: namesTogether}
	if other.line("fee") == p.line("fee") {
		t.Error("two payments have one line")
	}
}
