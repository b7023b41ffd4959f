package ecb

import (
	"bytes"
	"strings"
	"testing"
)

// What reads must cross, and nothing that arrives may panic.
func check(t *testing.T, table Table) {
	for c, r := range table.Rates {
		if r.IsZero() || c.Digits() < 0 {
			t.Errorf("%s at %s", c, r)
		}
		_, _ = table.Cross(c, "EUR") // may be out of range
		_, _ = table.Cross("EUR", c)
	}
}

func FuzzParseCSV(f *testing.F) {
	f.Add(hist)
	f.Add(day)
	f.Add("Date,USD,\n2026-04-13,0.000000000001,\n")
	f.Fuzz(func(t *testing.T, text string) {
		days, err := ParseCSV(strings.NewReader(text), 100)
		if err != nil {
			return
		}
		for i, d := range days {
			check(t, d)
			if i > 0 && !d.Date.Before(days[i-1].Date) {
				t.Errorf("%v after %v", d.Date, days[i-1].Date)
			}
		}
	})
}

func FuzzParseXML(f *testing.F) {
	f.Add([]byte(xmls))
	f.Fuzz(func(t *testing.T, text []byte) {
		if table, err := ParseXML(bytes.NewReader(text)); err == nil {
			check(t, table)
		}
	})
}
