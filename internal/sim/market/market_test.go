package market

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"qiantang.dev/rails/internal/fx/ecb"
)

func TestEmbeddedRatesAreTheECBs(t *testing.T) {
	m, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.days[0].Rates); n != 29 || m.Date().Format("2006-01-02") != "2026-04-13" {
		t.Errorf("%d currencies of %s", n, m.Date())
	}
	dir := os.Getenv("QIANTANG_TESTDATA")
	if dir == "" {
		dir = "../../../../shared"
	}
	official, err := Load(filepath.Join(dir, "fx", "eurofxref-hist.csv"))
	if err != nil {
		t.Skip("no ECB history at QIANTANG_TESTDATA or ../shared:", err)
	}
	for _, d := range official.days {
		if !d.Date.Equal(m.Date()) {
			continue
		}
		for c, r := range d.Rates {
			if m.days[0].Rates[c].Cmp(r) != 0 {
				t.Errorf("%s is %s, officially %s", c, m.days[0].Rates[c], r)
			}
		}
		if len(d.Rates) != len(m.days[0].Rates) {
			t.Errorf("%d currencies, officially %d", len(m.days[0].Rates), len(d.Rates))
		}
	}
}

func TestWhatIsServedReadsBack(t *testing.T) {
	m, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	var csv, xml bytes.Buffer
	if err := m.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteXML(&xml); err != nil {
		t.Fatal(err)
	}
	days, err := ecb.ParseCSV(&csv, 0)
	if err != nil {
		t.Fatal(err)
	}
	day, err := ecb.ParseXML(&xml)
	if err != nil {
		t.Fatal(err)
	}
	for c, r := range m.days[0].Rates {
		if days[0].Rates[c].Cmp(r) != 0 || day.Rates[c].Cmp(r) != 0 {
			t.Errorf("%s: %s in CSV, %s in XML, want %s", c, days[0].Rates[c], day.Rates[c], r)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("loaded no file")
	}
}
