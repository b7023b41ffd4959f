package camt053_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/camt053"
	"qiantang.dev/rails/internal/iso20022/isotest"
	"qiantang.dev/rails/internal/money"
)

func usd(minor int64) money.Amount { return money.FromMinor(minor, "USD") }

func header(opening, closing int64) camt053.Header {
	return camt053.Header{
		MessageID: "STMT-20261123", StatementID: "customer:acme:USD/20261123", Created: "2026-11-24T00:05:00+00:00", Sequence: "17",
		From: "2026-11-23T00:00:00+00:00", To: "2026-11-24T00:00:00+00:00",
		Account: iso20022.Account{Other: "customer:acme:USD"}, Owner: &iso20022.Party{Name: "Acme & Sons <Trading>"},
		Servicer: &iso20022.Agent{BIC: "QTPYCNSH"},
		Opening:  usd(opening), Closing: usd(closing), OpeningDay: "2026-11-22", ClosingDay: "2026-11-23",
	}
}

func entry(i int, minor int64) camt053.Entry {
	return camt053.Entry{
		Reference: fmt.Sprint(i), Amount: usd(minor), Booked: "2026-11-23T10:00:00+00:00", Value: "2026-11-23", ServicerRef: fmt.Sprint("seq-", i),
		Domain: "PMNT", Family: "ICDT", SubFamily: "XBCT", EndToEndID: fmt.Sprint("INV-", i), UETR: "8a562c67-ca16-48ba-b074-65581be6f011",
		Remittance: "Invoice 钱", Additional: "principal",
	}
}

func TestStatementsAreValidAndComplete(t *testing.T) {
	for name, c := range map[string]struct {
		opening, closing int64
		entries          []int64
	}{
		"several": {10000, 7500, []int64{-5000, 2500}}, "none": {5, 5, nil}, "overdrawn": {-10000, -9999, []int64{1}}, "to zero": {1, 0, []int64{-1}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w, err := camt053.NewWriter(&b, header(c.opening, c.closing))
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range c.entries {
				if err := w.Entry(entry(i, e)); err != nil {
					t.Fatal(err)
				}
			}
			bare := camt053.Entry{Amount: usd(1), Booked: "2026-11-23", Value: "2026-11-23", Proprietary: "fee"}
			back := bare
			back.Amount, back.Reversal = usd(-1), true
			if err := errors.Join(w.Entry(bare), w.Entry(back), w.Close()); err != nil {
				t.Fatal(err)
			}
			isotest.Valid(t, iso20022.IDCamt053, b.Bytes())
			if n := strings.Count(b.String(), "<Ntry>"); n != len(c.entries)+2 {
				t.Errorf("%d entries", n)
			}
		})
	}
}

func TestEntriesThatDoNotLeadToTheClosingBalanceAreAnError(t *testing.T) {
	w, err := camt053.NewWriter(io.Discard, header(100, 200))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Entry(entry(1, 99)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "1.99 USD") {
		t.Errorf("closed with %v", err)
	}
	if err := w.Entry(entry(2, 1)); err == nil {
		t.Error("written after an error")
	}
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestWhatCannotBeWrittenIsAnError(t *testing.T) {
	bad := header(0, 0)
	bad.StatementID = strings.Repeat("x", 36)
	if _, err := camt053.NewWriter(io.Discard, bad); err == nil || !strings.Contains(err.Error(), "Stmt/Id") {
		t.Errorf("a long identification: %v", err)
	}
	bad = header(0, 0)
	bad.Closing = money.FromMinor(0, "CNY")
	if _, err := camt053.NewWriter(io.Discard, bad); err == nil {
		t.Error("two currencies were taken")
	}
	for name, e := range map[string]camt053.Entry{
		"zero": entry(1, 0), "other currency": {Amount: money.FromMinor(1, "CNY"), Booked: "2026-11-23", Value: "2026-11-23"},
		"no day": {Amount: usd(1)}, "half a code": {Amount: usd(1), Booked: "2026-11-23", Value: "2026-11-23", Domain: "PMNT"},
	} {
		w, err := camt053.NewWriter(io.Discard, header(0, 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Entry(e); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	w, err := camt053.NewWriter(&full{room: 1000}, header(0, 1))
	if err == nil {
		err = errors.Join(w.Entry(entry(1, 1)), w.Close())
	}
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("full disk: %v", err)
	}
}

func TestManyEntriesNeedTheMemoryOfOne(t *testing.T) {
	w, err := camt053.NewWriter(io.Discard, header(0, 50_000))
	if err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range 50_000 {
		if err := w.Entry(entry(i, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if after := heap(); after > before+(4<<20) {
		t.Errorf("heap grew from %d to %d", before, after)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
