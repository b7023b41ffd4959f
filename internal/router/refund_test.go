package router

import (
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/pkg/client"
)

func TestRefundsHoweverCutAddUpToThePayment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPayment(t)
		b := newBooks(t)
		b.book(bookReserve(p))
		paid, err := bookPaid(p, "w1")
		if err != nil {
			t.Fatal(err)
		}
		b.book(paid)
		p.Window = "w1"
		src, dst := string(p.Amount.Currency()), string(p.Route.Received.Currency())
		total := p.Amount.Minor()
		for i, back := 0, int64(0); i < 8 && back < total; i++ {
			to := rapid.Int64Range(back+1, total).Draw(t, "to")
			if to == total {
				break
			}
			e, err := bookBack(p, fmt.Sprintf("refund/%d", i), back, to, "w2")
			if err != nil {
				t.Fatal(err)
			}
			b.book(e)
			back = to
			p.Refunded = sum{money.FromMinor(back, p.Amount.Currency())}
			b.want(p.Account, back-total)
			b.want("clearing:us-cn:"+src, 0)
			b.want("clearing:us-cn:"+dst, 0)
			for _, tr := range e.transfers {
				if tr.Kind != ledger.Reverse || (tr.Window == "w2") != (tr.Code == "obligation") {
					t.Fatalf("%+v", tr)
				}
			}
			// Within one minor unit each, it is the same share of everything.
			for account, whole := range map[string]int64{"fees:us-cn:" + src: p.Route.Fee.Minor(), "payout:cips:" + dst: p.Route.Received.Minor()} {
				given := new(big.Int).Mul(big.NewInt(whole), big.NewInt(back))
				left := whole - given.Quo(given, big.NewInt(total)).Int64()
				if got := b.balance[account]; got < left-1 || got > left+1 {
					t.Fatalf("%s stands at %d, want %d", account, got, left)
				}
			}
		}
		rest, err := bookReturn(p, "w3")
		if err != nil {
			t.Fatal(err)
		}
		b.book(rest)
		for account := range b.balance {
			b.want(account, 0)
		}
		for _, tr := range paid.transfers {
			if b.reversed[tr.ID] != tr.Amount.Minor() {
				t.Fatalf("line %s of %s was reversed by %d", tr.Code, tr.Amount, b.reversed[tr.ID])
			}
		}
	})
}

func refundOf(value string) client.RefundRequest {
	return client.RefundRequest{Amount: client.Money{Currency: "USD", Value: value}, Reference: "two of five"}
}

func (r *replica) available(account string) string {
	r.Helper()
	a, err := r.api.Account(r.Context(), account)
	if err != nil {
		r.Fatal(err)
	}
	return a.Available
}

func TestAPaymentIsRefundedInPartsAndThenReturned(t *testing.T) {
	w := newWorld(t)
	e := newEar(t, hookSecret)
	w.listen(plan.Webhook{Name: "erp", URL: e.URL, Events: []string{"refunded", "returned"}})
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid, client.Settled)
	first, err := r.api.Refund(t.Context(), "r1", p.ID, refundOf("40.00"))
	if err != nil {
		t.Fatal(err)
	}
	if first.Refunded.Value != "40.00" || first.Left.Value != "60.00" || first.Fee.Value != "0.20" || first.Principal.Value != "39.80" || first.Window == "" {
		t.Errorf("%+v", first)
	}
	again, err := r.api.Refund(t.Context(), "r1", p.ID, refundOf("40.00"))
	if err != nil || *again != *first {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	if got := r.available("customer:acme:USD"); got != "940.00" {
		t.Errorf("available %s", got)
	}
	now, err := r.api.Payment(t.Context(), p.ID)
	if err != nil || now.Status != client.Paid || now.Refunded == nil || now.Refunded.Value != "40.00" {
		t.Errorf("%+v, %v", now, err)
	}
	w.audit()
	second, err := r.api.Refund(t.Context(), "r2", p.ID, refundOf("60.00"))
	if err != nil || second.Left.Value != "0.00" {
		t.Fatalf("%+v, %v", second, err)
	}
	now, err = r.api.Payment(t.Context(), p.ID)
	if err != nil || now.Status != client.Returned || now.Reason == nil || now.Reason.Code != "refunded" {
		t.Errorf("%+v, %v", now, err)
	}
	if got := r.available("customer:acme:USD"); got != "1000.00" {
		t.Errorf("available %s", got)
	}
	r.until("both are told", func() bool { return len(e.types(p.ID)) == 2 })
	if got := e.types(p.ID); got[0] != "payment.refunded" || got[1] != "payment.returned" {
		t.Errorf("%v", got)
	}
	w.audit()
}

func TestAReturnAfterRefundsGivesBackTheRest(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "333.33").ID, client.Paid, client.Settled)
	for i, value := range []string{"0.01", "111.11", "33.33"} {
		if _, err := r.api.Refund(t.Context(), fmt.Sprint("r", i), p.ID, refundOf(value)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.api.Return(t.Context(), p.ID, client.ReturnRequest{Code: "AC04"}); err != nil {
		t.Fatal(err)
	}
	if got := r.available("customer:acme:USD"); got != "1000.00" {
		t.Errorf("available %s", got)
	}
	for _, account := range []string{"fees:us-cn:USD", "payout:cips:CNY", "fx:" + p.Route.Provider + ":USD", "fx:" + p.Route.Provider + ":CNY"} {
		if b, err := w.ledger.Balance(t.Context(), account); err != nil || b.Posted != 0 {
			t.Errorf("%s stands at %d, %v", account, b.Posted, err)
		}
	}
	w.audit()
}

func TestRefundsThatCannotBeAreRefusedAndChangeNothing(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	p := r.becomes(r.pay("k", "100.00").ID, client.Paid, client.Settled)
	held := request("10.00")
	later := time.Now().Add(time.Hour)
	held.ExecuteAt = &later
	waiting, err := r.api.Pay(t.Context(), "later", held)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.api.Refund(t.Context(), "used", p.ID, refundOf("1.00")); err != nil {
		t.Fatal(err)
	}
	euros := refundOf("1.00")
	euros.Amount.Currency = "EUR"
	for name, c := range map[string]struct {
		key, id string
		req     client.RefundRequest
		status  int
		code    string
	}{
		"more than is left": {"a", p.ID, refundOf("99.01"), http.StatusUnprocessableEntity, codeInvalid},
		"nothing":           {"b", p.ID, refundOf("0.00"), http.StatusUnprocessableEntity, codeInvalid},
		"another currency":  {"c", p.ID, euros, http.StatusUnprocessableEntity, codeInvalid},
		"no key":            {"", p.ID, refundOf("1.00"), http.StatusUnprocessableEntity, codeInvalid},
		"a used key":        {"used", p.ID, refundOf("2.00"), http.StatusConflict, codeConflict},
		"another payment":   {"used", waiting.ID, refundOf("1.00"), http.StatusConflict, codeConflict},
		"not paid":          {"d", waiting.ID, refundOf("1.00"), http.StatusConflict, codeState},
		"no such payment":   {"e", uuid.NewString(), refundOf("1.00"), http.StatusNotFound, codeNotFound},
	} {
		_, err := r.api.Refund(t.Context(), c.key, c.id, c.req)
		if prob := w.problemOf(err); prob.Status != c.status || prob.Code() != c.code {
			t.Errorf("%s: %+v", name, prob)
		}
	}
	if got := r.available("customer:acme:USD"); got != "891.00" {
		t.Errorf("available %s", got)
	}
}

func TestRefundsAtTheSameTimeNeverExceedThePayment(t *testing.T) {
	w := newWorld(t)
	a, b := w.start("a", nil), w.start("b", nil)
	a.fund("acme", "USD", "1000.00")
	p := a.becomes(a.pay("k", "100.00").ID, client.Paid, client.Settled)
	var wait sync.WaitGroup
	var done atomic.Int64
	for i := range 8 {
		wait.Go(func() {
			on := []*replica{a, b}[i%2]
			for { // busy: the same request again
				_, err := on.api.Refund(t.Context(), fmt.Sprint("r", i), p.ID, refundOf("30.00"))
				if err == nil {
					done.Add(1)
					return
				}
				if prob := w.problemOf(err); prob.Status != http.StatusConflict || prob.Code() != codeInProgress {
					return
				}
			}
		})
	}
	wait.Wait()
	if done.Load() != 3 || a.available("customer:acme:USD") != "990.00" {
		t.Errorf("%d refunds, available %s", done.Load(), a.available("customer:acme:USD"))
	}
	w.audit()
}
