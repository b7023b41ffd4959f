package router

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/sim"
	"qiantang.dev/rails/pkg/client"
)

func csvBatch(n int, value func(i int) string) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range n {
		fmt.Fprintf(&b, "b%d,us-cn,customer:acme:USD,USD,%s,Hangzhou Silk,CN,6222021234567890,ICBKCNBJ,GDDS,INV-%d\n", i, value(i), i)
	}
	return b.String()
}

// results sends a batch and gathers what comes back.
func (r *replica) results(kind, body string) []client.BatchResult {
	r.Helper()
	var all []client.BatchResult
	for res, err := range r.api.Batch(r.Context(), kind, strings.NewReader(body)) {
		if err != nil {
			r.Fatal(err)
		}
		all = append(all, res)
	}
	return all
}

func TestABatchIsAnsweredLineByLineInOrder(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "100000.00")
	const n = 600
	body := csvBatch(n, func(i int) string {
		switch i {
		case 7:
			return "abc"
		case 8:
			return "999999.00"
		}
		return "10.00"
	})
	first := r.results(client.CSV, body)
	if len(first) != n {
		t.Fatalf("%d results", len(first))
	}
	for i, res := range first {
		want := http.StatusCreated
		if i == 7 || i == 8 {
			want = http.StatusUnprocessableEntity
		}
		if res.Line != i+1 || res.Key != fmt.Sprintf("b%d", i) || res.Code != want || (res.Payment != nil) != (want == 201) || (res.Problem != nil) != (want != 201) {
			t.Fatalf("result %d: %+v", i, res)
		}
	}
	if p := first[7].Problem; p.Errors[0].Location != "body.amount.value" || p.Errors[0].Value != "abc" {
		t.Errorf("line 8: %+v", p)
	}
	if p := first[8].Problem; p.Code() != codeInsufficient {
		t.Errorf("line 9: %+v", p)
	}
	for i, res := range r.results(client.CSV, body) {
		if res.Payment != nil && res.Payment.ID != first[i].Payment.ID {
			t.Fatalf("line %d sent again became another payment", i+1)
		}
	}
	w.until("nothing is under way", r.calm)
	s, err := r.api.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var paid int64
	for _, l := range s.Lines {
		if l.Corridor != "us-cn" || l.Rail != "cips" || l.Amount.Value != fmt.Sprintf("%d.00", 10*l.Paid) || l.Fees.Value != fmt.Sprintf("%d.%02d", l.Paid*50/100, l.Paid*50%100) {
			t.Errorf("%+v", l)
		}
		paid += l.Paid
	}
	if paid != n-2 || s.States[client.Paid] != n-2 || s.Payments != n-1 || len(s.Rejects) != 1 || s.Rejects[0].Code != codeInsufficient {
		t.Errorf("%d paid; %+v", paid, s)
	}
	w.audit()
}

func TestABatchIsAnsweredWhileItIsSent(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	reader, writer := io.Pipe()
	line := func(i int) {
		if _, err := fmt.Fprintf(writer, `{"id":"n%d","corridor":"us-cn","account":"customer:acme:USD","amount":{"currency":"USD","value":"1.00"},"beneficiary":{"name":"n","country":"CN","account":"62220"}}`+"\n", i); err != nil {
			t.Error(err)
		}
	}
	go line(0)
	n := 0
	for res, err := range r.api.Batch(t.Context(), client.NDJSON, reader) {
		if err != nil || res.Code != http.StatusCreated {
			t.Fatalf("%+v, %v", res, err)
		}
		if n++; n < 5 { // the next line is sent only after this one's result
			go line(n)
		} else if n == 5 {
			if err := writer.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != 5 {
		t.Errorf("%d results", n)
	}
}

func TestABatchOfAnotherTypeIsRefused(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	if _, p := r.post("/v1/batches", "", "application/json", "{}"); p.Status != http.StatusUnsupportedMediaType {
		t.Errorf("%+v", p)
	}
}

func TestPaymentsAreListedByPageInOrder(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	want := map[string]bool{}
	for _, res := range r.results(client.CSV, csvBatch(25, func(int) string { return "2.00" })) {
		want[res.Payment.ID] = true
	}
	o, last := client.ListOptions{Limit: 10, Corridor: "us-cn"}, ""
	for pages := 1; ; pages++ {
		page, err := r.api.Payments(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Payments {
			if p.ID <= last || !want[p.ID] {
				t.Fatalf("%s after %s", p.ID, last)
			}
			last = p.ID
			delete(want, p.ID)
		}
		if o.Cursor = page.Next; o.Cursor == "" {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
	}
	if len(want) != 0 {
		t.Errorf("not listed: %v", want)
	}
	if page, err := r.api.Payments(t.Context(), client.ListOptions{Corridor: "cn-us"}); err != nil || len(page.Payments) != 0 {
		t.Errorf("another corridor: %+v, %v", page, err)
	}
	_, err := r.api.Payments(t.Context(), client.ListOptions{Cursor: "nonsense"})
	if p := w.problemOf(err); p.Errors[0].Location != "query.cursor" {
		t.Errorf("%+v", p)
	}
}

func TestAQuoteShowsEveryRouteAndWhyOthersAreNot(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	if err := w.sim.SetFaults("pingpong", sim.Faults{SpreadBps: 900}); err != nil {
		t.Fatal(err)
	}
	q, err := r.api.Quote(t.Context(), client.QuoteRequest{Corridor: "us-cn", Amount: client.Money{Currency: "USD", Value: "1000.00"}, Purpose: "GDDS"})
	if err != nil || len(q.Routes) != 2 || len(q.Skipped) != 1 || q.Skipped[0].Provider != "pingpong" || q.Denied != nil {
		t.Fatalf("%+v, %v", q, err)
	}
	if best := q.Routes[0]; best.Fee.Value != "5.00" || best.Principal.Value != "995.00" || best.Received.Currency != "CNY" || best.Reference == "" {
		t.Errorf("%+v", best)
	}
	q, err = r.api.Quote(t.Context(), client.QuoteRequest{Corridor: "us-cn", Amount: client.Money{Currency: "USD", Value: "1000.00"}, Purpose: "GAMB"})
	if err != nil || q.Denied == nil || q.Denied.Detail != "gambling is not paid for" {
		t.Errorf("%+v, %v", q, err)
	}
	if n, err := w.ledger.CountRecords(t.Context(), kindPayment, ""); err != nil || len(n) != 0 {
		t.Errorf("recorded %v, %v", n, err)
	}
}

func TestAccountsAndDepositsAreMadeOnce(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	open := client.AccountRequest{Owner: "acme", Currency: "USD", CreditLine: "500.00"}
	for range 2 {
		a, err := r.api.OpenAccount(t.Context(), open)
		if err != nil || a.ID != "customer:acme:USD" || a.Participant != "qiantang-pay" || a.CreditLine != "500.00" || a.Available != "0.00" {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	open.CreditLine = ""
	_, err := r.api.OpenAccount(t.Context(), open)
	if p := w.problemOf(err); p.Status != http.StatusConflict || p.Code() != codeAccount {
		t.Errorf("%+v", p)
	}
	in := client.DepositRequest{Account: "customer:acme:USD", Amount: client.Money{Currency: "USD", Value: "10.00"}}
	var id string
	for i := range 2 {
		d, err := r.api.Deposit(t.Context(), "d", in)
		if err != nil || i == 1 && d.ID != id {
			t.Fatalf("%+v, %v", d, err)
		}
		id = d.ID
	}
	in.Amount.Value = "11.00"
	_, err = r.api.Deposit(t.Context(), "d", in)
	if p := w.problemOf(err); p.Status != http.StatusConflict || p.Code() != codeConflict {
		t.Errorf("%+v", p)
	}
	for field, bad := range map[string]client.DepositRequest{
		"body.account":         {Account: "customer:nobody:USD", Amount: in.Amount},
		"body.amount.currency": {Account: in.Account, Amount: client.Money{Currency: "EUR", Value: "1.00"}},
		"body.amount.value":    {Account: in.Account, Amount: client.Money{Currency: "USD", Value: "-1"}},
	} {
		_, err := r.api.Deposit(t.Context(), "bad", bad)
		if p := w.problemOf(err); p.Status != 422 || p.Errors[0].Location != field {
			t.Errorf("%s: %+v", field, p)
		}
	}
	for field, bad := range map[string]client.AccountRequest{
		"body.owner":       {Owner: "a b", Currency: "USD"},
		"body.currency":    {Owner: "b", Currency: "usd"},
		"body.participant": {Owner: "b", Currency: "USD", Participant: "nobody"},
		"body.creditLine":  {Owner: "b", Currency: "USD", CreditLine: "1.234"},
	} {
		_, err := r.api.OpenAccount(t.Context(), bad)
		if p := w.problemOf(err); p.Status != 422 || p.Errors[0].Location != field {
			t.Errorf("%s: %+v", field, p)
		}
	}
	a, err := r.api.Account(t.Context(), "customer:acme:USD")
	if err != nil || a.Posted != "10.00" {
		t.Errorf("%+v, %v", a, err)
	}
	_, err = r.api.Account(t.Context(), "customer:nobody:USD")
	if p := w.problemOf(err); p.Status != http.StatusNotFound {
		t.Errorf("%+v", p)
	}
}
