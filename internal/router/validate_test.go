package router

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/pkg/client"
)

// post sends a body as it is.
func (r *replica) post(path, key, kind, body string) (*http.Response, *client.Problem) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.url+path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	p := new(client.Problem)
	if resp.StatusCode >= 400 {
		if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
			r.Errorf("problem sent as %q", ct)
		}
		if err := json.NewDecoder(resp.Body).Decode(p); err != nil {
			r.Fatal(err)
		}
		if p.Status != resp.StatusCode || p.Title == "" {
			r.Errorf("status %d: %+v", resp.StatusCode, p)
		}
	}
	return resp, p
}

func TestAMalformedPaymentIsRefusedNamingTheFieldAndItsValue(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "1000.00")
	far := time.Now().Add(40 * 24 * time.Hour).UTC().Truncate(time.Second)
	set := func(f func(*client.PaymentRequest)) string {
		req := request("10.00")
		f(&req)
		b, err := json.Marshal(req)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	type req = client.PaymentRequest
	good := set(func(*req) {})
	for i, c := range []struct {
		name, body, field, value string
		status                   int
	}{
		{"no corridor", set(func(r *req) { r.Corridor = "" }), "body.corridor", "", 422},
		{"unknown corridor", set(func(r *req) { r.Corridor = "us-mars" }), "body.corridor", "us-mars", 422},
		{"no account", set(func(r *req) { r.Account = "" }), "body.account", "", 422},
		{"internal account", set(func(r *req) { r.Account = "fees:us-cn:USD" }), "body.account", "fees:us-cn:USD", 422},
		{"account in another currency", set(func(r *req) { r.Account = "customer:acme:EUR" }), "body.account", "customer:acme:EUR", 422},
		{"unknown account", set(func(r *req) { r.Account = "customer:nobody:USD" }), "body.account", "customer:nobody:USD", 422},
		{"currency of another corridor", set(func(r *req) { r.Amount.Currency = "EUR" }), "body.amount.currency", "EUR", 422},
		{"no such currency", set(func(r *req) { r.Amount.Currency = "USX" }), "body.amount.currency", "USX", 422},
		{"CNH", set(func(r *req) { r.Amount.Currency = "CNH" }), "body.amount.currency", "CNH", 422},
		{"zero", set(func(r *req) { r.Amount.Value = "0.00" }), "body.amount.value", "0.00", 422},
		{"negative", set(func(r *req) { r.Amount.Value = "-5" }), "body.amount.value", "-5", 422},
		{"three decimals", set(func(r *req) { r.Amount.Value = "1.001" }), "body.amount.value", "1.001", 422},
		{"exponent", set(func(r *req) { r.Amount.Value = "1e3" }), "body.amount.value", "1e3", 422},
		{"comma", set(func(r *req) { r.Amount.Value = "1,000" }), "body.amount.value", "1,000", 422},
		{"too long", set(func(r *req) { r.Amount.Value = "12345678901234567890" }), "body.amount.value", "12345678901234567890", 422},
		{"no name", set(func(r *req) { r.Beneficiary.Name = "" }), "body.beneficiary.name", "", 422},
		{"blank name", set(func(r *req) { r.Beneficiary.Name = "  " }), "body.beneficiary.name", "  ", 422},
		{"control character", set(func(r *req) { r.Beneficiary.Name = "a\x00b" }), "body.beneficiary.name", "a\x00b", 422},
		{"long name", set(func(r *req) { r.Beneficiary.Name = strings.Repeat("n", 141) }), "body.beneficiary.name", strings.Repeat("n", 141), 422},
		{"small country", set(func(r *req) { r.Beneficiary.Country = "cn" }), "body.beneficiary.country", "cn", 422},
		{"other country", set(func(r *req) { r.Beneficiary.Country = "DE" }), "body.beneficiary.country", "DE", 422},
		{"account with blanks", set(func(r *req) { r.Beneficiary.Account = "12 34" }), "body.beneficiary.account", "12 34", 422},
		{"BIC of nine", set(func(r *req) { r.Beneficiary.AgentBIC = "ICBKCNBJX" }), "body.beneficiary.agentBic", "ICBKCNBJX", 422},
		{"CNAPS of eleven", set(func(r *req) { r.Beneficiary.CNAPS = "10233100001" }), "body.beneficiary.cnaps", "10233100001", 422},
		{"purpose", set(func(r *req) { r.Purpose = "goods" }), "body.purpose", "goods", 422},
		{"reference", set(func(r *req) { r.Reference = strings.Repeat("x", 141) }), "body.reference", strings.Repeat("x", 141), 422},
		{"metadata", set(func(r *req) { r.Metadata = map[string]string{"k": strings.Repeat("v", 257)} }), "body.metadata.k", strings.Repeat("v", 257), 422},
		{"UETR", set(func(r *req) { r.UETR = "00000000-0000-1000-8000-000000000000" }), "body.uetr", "00000000-0000-1000-8000-000000000000", 422},
		{"far ahead", set(func(r *req) { r.ExecuteAt = &far }), "body.executeAt", far.Format(time.RFC3339), 422},
		{"unknown field", strings.Replace(good, `"purpose"`, `"porpoise"`, 1), "body.porpoise", "<nil>", 422},
		{"number for text", strings.Replace(good, `"10.00"`, `10.00`, 1), "body.amount.value", "number", 422},
		{"list", `[]`, "body", "array", 422},
		{"not JSON", `{"corridor":`, "", "", 400},
		{"empty", ``, "", "", 400},
		{"two documents", good + good, "", "", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, p := r.post("/v1/payments", fmt.Sprintf("bad-%d", i), "application/json", c.body)
			if p.Status != c.status {
				t.Fatalf("status %d, want %d: %v", p.Status, c.status, p)
			}
			if c.field == "" {
				return
			}
			for _, e := range p.Errors {
				if e.Location == c.field && fmt.Sprint(e.Value) == c.value && e.Message != "" {
					return
				}
			}
			t.Errorf("want %s %q in %+v", c.field, c.value, p.Errors)
		})
	}
	if counts, err := w.ledger.CountRecords(t.Context(), kindPayment, ""); err != nil || len(counts) != 0 {
		t.Errorf("recorded %v, %v", counts, err)
	}
}

func TestEveryWrongFieldIsNamedAtOnce(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	req := request("x")
	req.Beneficiary.Country, req.Purpose = "DE", "goods"
	_, err := r.api.Pay(t.Context(), "k", req)
	if p := w.problemOf(err); len(p.Errors) != 3 {
		t.Errorf("%+v", p.Errors)
	}
}

func TestKeysAreBounded(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	body, err := json.Marshal(request("10.00"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"", strings.Repeat("k", 129), "a b"} {
		for _, path := range []string{"/v1/payments", "/v1/deposits"} {
			if path == "/v1/deposits" {
				body = []byte(`{"account":"customer:acme:USD","amount":{"currency":"USD","value":"1"}}`)
			}
			_, p := r.post(path, key, "application/json", string(body))
			if p.Status != 422 || len(p.Errors) == 0 || p.Errors[0].Location != "header.Idempotency-Key" {
				t.Errorf("%s with key %q: %+v", path, key, p)
			}
		}
	}
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	for path, size := range map[string]int{"/v1/payments": maxPaymentBody, "/v1/accounts": maxSmallBody, "/v1/quotes": maxSmallBody} {
		if _, p := r.post(path, "k", "application/json", string(bytes.Repeat([]byte(" "), size+1))); p.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

func TestRulesAndBoundsRejectOnTheRecord(t *testing.T) {
	w := newWorld(t)
	r := w.start("a", nil)
	r.fund("acme", "USD", "9000000.00")
	for i, c := range []struct {
		code string
		set  func(*client.PaymentRequest)
	}{
		{"rule", func(r *client.PaymentRequest) { r.Purpose = "GAMB" }},
		{"amount-below-minimum", func(r *client.PaymentRequest) { r.Amount.Value = "0.75" }},
		{"amount-above-maximum", func(r *client.PaymentRequest) { r.Amount.Value = "1000000.01" }},
	} {
		req := request("10.00")
		c.set(&req)
		_, err := r.api.Pay(t.Context(), fmt.Sprint(i), req)
		p := w.problemOf(err)
		if p.Status != 422 || p.Code() != c.code || p.Detail == "" || p.Instance == "" {
			t.Errorf("%s: %+v", c.code, p)
		}
	}
	s, err := r.api.Summary(t.Context())
	if err != nil || len(s.Rejects) != 3 || s.States[client.Rejected] != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestIBANsAreChecked(t *testing.T) {
	for account, ok := range map[string]bool{
		"DE89370400440532013000": true, "DE88370400440532013000": false, "DE8937040044053201300a": false,
		"GB29NWBK60161331926819": true, "12345678": true, "DE-local-1": true,
	} {
		if got := ibanWrong(account, account[:2]) == ""; got != ok {
			t.Errorf("%s: good %v, want %v", account, got, ok)
		}
	}
	if ibanWrong("CN12345678901234567", "CN") != "" {
		t.Error("China has no IBAN")
	}
}
