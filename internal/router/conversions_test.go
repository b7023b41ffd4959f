package router

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/sim/judge"
	"qiantang.dev/rails/pkg/client"
)

// converting adds a corridor of conversions beside the one for payments.
func (w *world) converting() {
	w.Helper()
	c := w.region.Corridors[0]
	c.Name, c.Conversion, c.Rails, c.Rules = "usd-cny", true, nil, nil
	c.FeeTiers = []plan.FeeTier{{From: "0", Bps: 10}}
	w.region.Corridors = append(w.region.Corridors, c)
	w.seal()
}

func exchangeOf(value string) client.ConversionRequest {
	return client.ConversionRequest{Corridor: "usd-cny", Account: "customer:acme:USD", Amount: client.Money{Currency: "USD", Value: value}, Reference: "hedge"}
}

// twoAccounts opens the owner's accounts, the first of them funded.
func (r *replica) twoAccounts() {
	r.Helper()
	r.fund("acme", "USD", "1000.00")
	if _, err := r.api.OpenAccount(r.Context(), client.AccountRequest{Owner: "acme", Currency: "CNY"}); err != nil {
		r.Fatal(err)
	}
}

func (r *replica) convertOne(key, value string) *client.Conversion {
	r.Helper()
	c, err := r.api.Convert(r.Context(), key, exchangeOf(value))
	if err != nil {
		r.Fatal(err)
	}
	return c
}

// conversionBecomes waits until a conversion is in a state.
func (r *replica) conversionBecomes(id string, state client.Status) *client.Conversion {
	r.Helper()
	var c *client.Conversion
	r.until(fmt.Sprintf("conversion %s is %s", id, state), func() bool {
		var err error
		if c, err = r.api.Conversion(r.Context(), id); err != nil {
			r.Fatal(err)
		}
		return c.Status == state
	})
	return c
}

func TestAConversionMovesTheOwnersMoneyAndPaysNobody(t *testing.T) {
	w := newWorld(t)
	w.converting()
	e := newEar(t, hookSecret)
	w.listen(plan.Webhook{Name: "erp", URL: e.URL, Events: []string{"paid"}})
	r := w.start("a", nil)
	r.twoAccounts()
	q, err := r.api.Quote(t.Context(), client.QuoteRequest{Corridor: "usd-cny", Amount: client.Money{Currency: "USD", Value: "100.00"}})
	if err != nil || len(q.Routes) != 3 || q.Routes[0].Rail != "own-account" {
		t.Fatalf("%+v, %v", q, err)
	}
	first := r.convertOne("k", "100.00")
	if first.Status != client.Instructing || first.To != "customer:acme:CNY" || first.Route.Fee.Value != "0.10" {
		t.Errorf("%+v, %+v", first, first.Route)
	}
	c := r.conversionBecomes(first.ID, client.Paid)
	if c.Route.Received != q.Routes[0].Received || c.Window == "" || c.ProviderRef == "" || c.Reference != "hedge" {
		t.Errorf("%+v, %+v", c, c.Route)
	}
	if usd, cny := r.available("customer:acme:USD"), r.available("customer:acme:CNY"); usd != "900.00" || cny != c.Route.Received.Value {
		t.Errorf("available %s and %s", usd, cny)
	}
	entries, err := w.ledger.EntriesByReference(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, e := range entries {
		codes = append(codes, e.Code+" "+string(e.Amount.Currency()))
	}
	want := "conversion USD,conversion USD,fee USD,principal USD,fx CNY,spread CNY,credit CNY,obligation USD,obligation CNY"
	if got := strings.Join(codes, ","); got != want {
		t.Errorf("booked %s, want %s", got, want)
	}
	// Whoever sold us the money owes it to who holds it for the customer.
	if got := money.FromMinor(w.credit("settlement:qiantang-pay:CNY"), "CNY").Decimal(); got != c.Route.Received.Value {
		t.Errorf("owed %s", got)
	}
	if rep := w.sim.Report(false); rep.Payouts != 0 || rep.Exchanges != 1 {
		t.Errorf("%+v", rep)
	}
	r.until("it is told", func() bool { return len(e.types(c.ID)) == 1 })
	if got := e.types(c.ID); got[0] != "conversion.paid" {
		t.Errorf("%v", got)
	}
	if _, err := r.api.Payment(t.Context(), c.ID); w.problemOf(err).Status != http.StatusNotFound {
		t.Errorf("found among payments: %v", err)
	}
	if _, err := r.api.CancelConversion(t.Context(), c.ID); w.problemOf(err).Code() != codeState {
		t.Errorf("cancelled: %v", err)
	}
	w.audit()
	w.positions()
}

func TestAConversionsKeyGetsOneAnswerForEver(t *testing.T) {
	w := newWorld(t)
	w.converting()
	r := w.start("a", nil)
	r.twoAccounts()
	first := r.convertOne("k", "100.00")
	r.conversionBecomes(first.ID, client.Paid)
	if again := r.convertOne("k", "100.00"); again.ID != first.ID || again.Status != first.Status {
		t.Errorf("%+v", again)
	}
	_, err := r.api.Convert(t.Context(), "k", exchangeOf("100.01"))
	if prob := w.problemOf(err); prob.Status != http.StatusConflict || prob.Code() != codeConflict {
		t.Errorf("another body: %+v", prob)
	}
	// Keys of payments are others.
	r.becomes(r.pay("k", "10.00").ID, client.Paid)
	_, err = r.api.Convert(t.Context(), "much", exchangeOf("5000.00"))
	prob := w.problemOf(err)
	if prob.Code() != codeInsufficient || !strings.HasPrefix(prob.Instance, "/v1/conversions/") {
		t.Errorf("%+v", prob)
	}
	refused, err := r.api.Conversion(t.Context(), strings.TrimPrefix(prob.Instance, "/v1/conversions/"))
	if err != nil || refused.Status != client.Rejected || refused.Reason.Code != codeInsufficient {
		t.Errorf("%+v, %v", refused, err)
	}
	var seen []string
	for cursor := ""; ; {
		page, err := r.api.Conversions(t.Context(), client.ListOptions{Cursor: cursor, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Conversions {
			seen = append(seen, c.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 2 || seen[0] != first.ID || seen[1] != refused.ID {
		t.Errorf("listed %v", seen)
	}
	paid, err := r.api.Conversions(t.Context(), client.ListOptions{Corridor: "usd-cny", Status: client.Paid})
	if err != nil || len(paid.Conversions) != 1 {
		t.Errorf("%+v, %v", paid, err)
	}
	if _, err := r.api.Conversions(t.Context(), client.ListOptions{Cursor: "x"}); w.problemOf(err).Code() != codeInvalid {
		t.Errorf("a made-up cursor: %v", err)
	}
	payments, err := r.api.Payments(t.Context(), client.ListOptions{})
	if err != nil || len(payments.Payments) != 1 {
		t.Errorf("%+v, %v", payments, err)
	}
	w.audit()
	w.positions()
}

func TestConversionsThatCannotBeNameWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.converting()
	r := w.start("a", nil)
	r.twoAccounts()
	r.fund("other", "USD", "10.00")
	with := func(change func(*client.ConversionRequest)) client.ConversionRequest {
		req := exchangeOf("1.00")
		change(&req)
		return req
	}
	for name, c := range map[string]struct {
		req   client.ConversionRequest
		field string
	}{
		"no corridor":               {with(func(r *client.ConversionRequest) { r.Corridor = "" }), "body.corridor"},
		"an unknown one":            {with(func(r *client.ConversionRequest) { r.Corridor = "x" }), "body.corridor"},
		"one for payments":          {with(func(r *client.ConversionRequest) { r.Corridor = "us-cn" }), "body.corridor"},
		"an account in another":     {with(func(r *client.ConversionRequest) { r.Account = "customer:acme:CNY" }), "body.account"},
		"an account of ours":        {with(func(r *client.ConversionRequest) { r.Account = "fees:us-cn:USD" }), "body.account"},
		"no such account":           {with(func(r *client.ConversionRequest) { r.Account = "customer:nobody:USD" }), "body.account"},
		"no account to convert to":  {with(func(r *client.ConversionRequest) { r.Account = "customer:other:USD" }), "body.account"},
		"an amount in another":      {with(func(r *client.ConversionRequest) { r.Amount.Currency = "EUR" }), "body.amount.currency"},
		"nothing":                   {with(func(r *client.ConversionRequest) { r.Amount.Value = "0.00" }), "body.amount.value"},
		"a reference that is long":  {with(func(r *client.ConversionRequest) { r.Reference = strings.Repeat("a", 141) }), "body.reference"},
		"metadata without a key":    {with(func(r *client.ConversionRequest) { r.Metadata = map[string]string{"": "a"} }), "body.metadata"},
		"no Idempotency-Key at all": {exchangeOf("1.00"), "header.Idempotency-Key"},
	} {
		key := name
		if c.field == "header.Idempotency-Key" {
			key = ""
		}
		_, err := r.api.Convert(t.Context(), strings.ReplaceAll(key, " ", "-"), c.req)
		prob := w.problemOf(err)
		if prob.Status != http.StatusUnprocessableEntity || len(prob.Errors) != 1 || prob.Errors[0].Location != c.field {
			t.Errorf("%s: %+v", name, prob)
		}
	}
	// And a payment is not for a corridor of conversions.
	pay := request("1.00")
	pay.Corridor = "usd-cny"
	_, err := r.api.Pay(t.Context(), "k", pay)
	if prob := w.problemOf(err); prob.Code() != codeInvalid || prob.Errors[0].Location != "body.corridor" {
		t.Errorf("%+v", prob)
	}
	w.region.Corridors[2].Draining = true
	w.seal()
	if err := r.Switch(t.Context(), w.region, w.creds); err != nil {
		t.Fatal(err)
	}
	_, err = r.api.Convert(t.Context(), "k", exchangeOf("1.00"))
	if prob := w.problemOf(err); prob.Code() != codeDraining {
		t.Errorf("%+v", prob)
	}
	list, err := r.api.Corridors(t.Context())
	if err != nil || !list.Corridors[2].Conversions || list.Corridors[0].Conversions || list.Corridors[2].Rails == nil {
		t.Errorf("%+v, %v", list, err)
	}
	if n, err := w.ledger.CountRecords(t.Context(), kindConversion, ""); err != nil || len(n) != 0 {
		t.Errorf("on record: %v, %v", n, err)
	}
}

func TestUnknownConversionsAreQueriedAndNeverSentAgain(t *testing.T) {
	for name, c := range map[string]struct {
		pay, query answers
		sent       int
	}{
		"lost answer":      {answers{takenThenLost}, nil, 1},
		"queries fail too": {answers{takenThenLost}, answers{unknown, says(fx.Unknown), says(fx.Pending)}, 1},
		"never arrived":    {answers{unknown}, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.converting()
			s := &scripted{pay: c.pay, query: c.query}
			w.script(s)
			r := w.start("a", nil)
			r.twoAccounts()
			done := r.conversionBecomes(r.convertOne("k", "100.00").ID, client.Paid)
			r.stop()
			if len(s.paid) != c.sent || done.Attempt != 1 {
				t.Errorf("sent %v, %+v", s.paid, done)
			}
			w.audit()
			w.positions()
		})
	}
}

func TestAConversionFailsOverAndIsRejectedWhereNobodyConverts(t *testing.T) {
	w := newWorld(t)
	w.converting()
	n := &counts{}
	w.refusing(map[string]stubborn{"antom": {convert: final("pay"), counts: n}})
	r := w.start("a", nil)
	r.twoAccounts()
	c := r.conversionBecomes(r.convertOne("k", "100.00").ID, client.Paid)
	if n.converts != 1 || c.Attempt != 2 || c.Route.Provider == "antom" {
		t.Errorf("%d sent, %+v", n.converts, c)
	}
	r.stop()
	w.refusing(map[string]stubborn{
		"antom": {convert: final("pay"), counts: n}, "pingpong": {convert: final("pay"), counts: n}, "lianlian": {convert: final("pay"), counts: n},
	})
	r = w.start("b", nil)
	c = r.conversionBecomes(r.convertOne("k2", "100.00").ID, client.Rejected)
	if c.Reason == nil || c.Reason.Code != codeFailed || r.available("customer:acme:USD") != "900.00" {
		t.Errorf("%+v, available %s", c.Reason, r.available("customer:acme:USD"))
	}
	w.audit()
	w.positions()
}

func TestAConversionGoesByAnotherCurrencyToo(t *testing.T) {
	w := newWorld(t)
	w.byHKD(false)
	w.converting()
	r := w.start("a", nil)
	r.twoAccounts()
	c := r.conversionBecomes(r.convertOne("k", "100.00").ID, client.Paid)
	if len(c.Route.Legs) != 2 || r.available("customer:acme:CNY") != c.Route.Received.Value {
		t.Errorf("%+v", c.Route)
	}
	exchanges := w.sim.Book().All("", judge.Exchange)
	if len(exchanges) != 2 || exchanges[0].ID == exchanges[1].ID || w.sim.Report(false).Payouts != 0 {
		t.Errorf("%+v", exchanges)
	}
	w.positions()
}

// TestACrashLosesNoConversion kills the router at its first touch of the world, its second, and so on.
func TestACrashLosesNoConversion(t *testing.T) {
	w := newWorld(t)
	w.converting()
	w.start("other", nil).twoAccounts()
	w.dieAtEach(7, func(r *replica, key string) error {
		_, err := r.api.Convert(t.Context(), key, exchangeOf("10.00"))
		return err
	}, func(r *replica, key string, answered bool) {
		c := r.conversionBecomes(r.convertOne(key, "10.00").ID, client.Paid)
		if answered && c.Attempt == 0 {
			t.Errorf("%s: %+v", key, c)
		}
	})
	w.positions()
}

func TestAConversionAccountsForEveryMinorUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPayment(t)
		p.To, p.ToParticipant = "customer:acme:other", rapid.SampledFrom([]string{"", "self", "bank"}).Draw(t, "holds")
		p.Route.Rail = "own-account"
		b := newBooks(t)
		b.book(bookReserve(p))
		e, err := bookPaid(p, "w1")
		if err != nil {
			t.Fatal(err)
		}
		b.book(e)
		src, dst := p.Amount.Currency(), p.Route.Received.Currency()
		b.want(p.Account, -p.Amount.Minor())
		b.want(p.To, p.Route.Received.Minor())
		b.want("clearing:us-cn:"+string(src), 0)
		b.want("clearing:us-cn:"+string(dst), 0)
		owed := 0
		for _, tr := range e.transfers {
			if tr.Kind == ledger.Immediate && tr.Code == "obligation" {
				owed++
			}
		}
		if (owed > 0) != owes(p) {
			t.Fatalf("%d obligations; owes says %v", owed, owes(p))
		}
		for _, a := range e.accounts {
			if a.ID == p.To {
				t.Fatal("opens a customer's account")
			}
		}
	})
}
