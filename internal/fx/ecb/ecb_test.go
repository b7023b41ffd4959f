package ecb

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

const (
	hist = "Date,USD,CNY,BGN,\n2026-04-13,1.1684,7.9827,N/A,\n2026-04-10,1.1711,8.0001,1.9558,\n"
	day  = "Date, USD, CNY, \n13 April 2026, 1.1684, 7.9827, \n"
	xmls = `<?xml version="1.0"?><gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<Cube><Cube time='2026-04-13'><Cube currency='USD' rate='1.1684'/><Cube currency='CNY' rate='7.9827'/></Cube></Cube></gesmes:Envelope>`
)

func TestEveryFormOfTheECBReadsTheSame(t *testing.T) {
	for name, text := range map[string]string{"history": hist, "day": day, "xml": xmls} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := reference(t, plan.Provider{Name: "ecb", Endpoint: path})
		for _, tc := range []struct {
			sell, buy money.Currency
			want      string
		}{{"USD", "CNY", "6.832163643"}, {"CNY", "USD", "0.146366518"}, {"EUR", "USD", "1.1684"}, {"USD", "EUR", "0.855871277"}, {"USD", "USD", "1"}} {
			rate, at, err := r.Rate(tc.sell, tc.buy)
			if err != nil || rate.String() != tc.want || at.Format(time.DateOnly) != "2026-04-13" {
				t.Errorf("%s: %s/%s is %s of %s, %v; want %s", name, tc.sell, tc.buy, rate, at, err, tc.want)
			}
		}
		if _, _, err := r.Rate("USD", "XOF"); !errors.Is(err, fx.ErrNoReference) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func reference(t *testing.T, p plan.Provider) *Adapter {
	t.Helper()
	opened, err := Open(p, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, ok := opened.(*Adapter)
	if !ok {
		t.Fatal("not the adapter")
	}
	return a
}

func TestOfficialHistory(t *testing.T) {
	dir := os.Getenv("QIANTANG_TESTDATA")
	if dir == "" {
		dir = "../../../../shared"
	}
	f, err := os.Open(filepath.Join(dir, "fx", "eurofxref-hist.csv"))
	if err != nil {
		t.Skip("no ECB history at QIANTANG_TESTDATA or ../shared:", err)
	}
	defer func() { _ = f.Close() }()
	days, err := ParseCSV(f, 0)
	if err != nil || len(days) < 6900 {
		t.Fatalf("%d days, %v", len(days), err)
	}
	last := days[len(days)-1]
	if last.Date.Format(time.DateOnly) != "1999-01-04" || last.Rates["USD"].String() != "1.1789" {
		t.Errorf("%v %v", last.Date, last.Rates["USD"])
	}
}

func TestBadTablesAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no header": "1,2\n", "no day": "Date,USD,\n", "too few cells": "Date,USD,CNY,\n2026-04-13,1.1,\n",
		"not a date": "Date,USD,\nyesterday,1.1,\n", "not a rate": "Date,USD,\n2026-04-13,abc,\n", "a negative rate": "Date,USD,\n2026-04-13,-1,\n",
		"days out of order": "Date,USD,\n2026-04-10,1.1,\n2026-04-13,1.1,\n", "the same day twice": "Date,USD,\n2026-04-10,1.1,\n2026-04-10,1.1,\n",
	} {
		if days, err := ParseCSV(strings.NewReader(text), 0); err == nil {
			t.Errorf("%s: %+v", name, days)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "no day": "<a/>", "not a date": strings.Replace(xmls, "2026-04-13", "x", 1), "not a rate": strings.Replace(xmls, "1.1684", "x", 1),
	} {
		if table, err := ParseXML(bytes.NewReader([]byte(text))); err == nil {
			t.Errorf("%s: %+v", name, table)
		}
	}
}

func TestOldRatesAreServedWhileNewOnesCannotBeHad(t *testing.T) {
	var broken atomic.Bool
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte(xmls))
	}))
	t.Cleanup(s.Close)
	a := reference(t, plan.Provider{Name: "ecb", Endpoint: s.URL, Parameters: map[string]string{"refresh": "1m"}})
	var turned atomic.Int64
	a.now = func() time.Time { return time.Unix(turned.Load(), 0) }
	turned.Store(1000)
	broken.Store(true)
	if _, _, err := a.Rate("USD", "CNY"); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("%v", err)
	}
	// Not asked again at once.
	if _, _, err := a.Rate("USD", "CNY"); err == nil || asked.Load() != 1 {
		t.Errorf("%v after %d", err, asked.Load())
	}
	broken.Store(false)
	turned.Add(10)
	if _, _, err := a.Rate("USD", "CNY"); err != nil {
		t.Error(err)
	}
	broken.Store(true)
	turned.Add(3600)
	for asked.Load() < 3 {
		if _, _, err := a.Rate("USD", "CNY"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReferencePaysNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rates.csv")
	if err := os.WriteFile(path, []byte(hist), 0o600); err != nil {
		t.Fatal(err)
	}
	a := reference(t, plan.Provider{Name: "ecb", Endpoint: "file://" + path})
	q, err := a.Quote(t.Context(), fx.QuoteRequest{Sell: money.FromMinor(10000, "USD"), Buy: money.Zero("CNY")})
	if err != nil || q.Guaranteed || q.Buy.String() != "683.22 CNY" {
		t.Errorf("%+v, %v", q, err)
	}
	var e *fx.Error
	if _, err := a.Lock(t.Context(), q); !errors.As(err, &e) || e.Class != fx.Final {
		t.Error(err)
	}
	if _, err := a.Pay(t.Context(), fx.Instruction{}); !errors.As(err, &e) || e.Class != fx.Final {
		t.Error(err)
	}
	if s, err := a.Query(t.Context(), fx.Instruction{}); err != nil || s.Outcome != fx.NotFound {
		t.Error(s, err)
	}
	for _, p := range []plan.Provider{{Name: "ecb"}, {Name: "ecb", Endpoint: path, Parameters: map[string]string{"refresh": "never"}}} {
		if _, err := Open(p, nil, nil); err == nil {
			t.Errorf("opened %+v", p)
		}
	}
	missing := reference(t, plan.Provider{Name: "ecb", Endpoint: filepath.Join(t.TempDir(), "none")})
	if _, _, err := missing.Rate("USD", "CNY"); err == nil {
		t.Error("read no file")
	}
}
