package wire

import (
	"strings"
	"testing"

	"qiantang.dev/rails/internal/money"
)

func FuzzTextAmount(f *testing.F) {
	for _, s := range []string{"1.50", "0", "1e9", "-1", "12.500000", "999999999999999999", ".", "1.", "0x1"} {
		f.Add(s, "USD")
		f.Add(s, "JPY")
	}
	f.Fuzz(func(t *testing.T, text, currency string) {
		a, err := Text(text).Amount(money.Currency(currency))
		if err != nil {
			return
		}
		// Read is what was written, but for zeros past the currency's digits.
		again, err := money.ParseAmount(a.Decimal(), a.Currency())
		whole, _, _ := strings.Cut(text, ".")
		if err != nil || again != a || !strings.HasPrefix(strings.TrimLeft(text, "0"), strings.TrimLeft(whole, "0")) {
			t.Errorf("%q in %s is %s, and that %s (%v)", text, currency, a, again, err)
		}
	})
}

func FuzzScrub(f *testing.F) {
	c, err := New("acme", "http://localhost", nil, "hush-hush")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("it was hush-hush")
	f.Fuzz(func(t *testing.T, text string) {
		if s := c.Scrub(text); strings.Contains(s, "hush-hush") || strings.ContainsAny(s, "\r\n\x00") || len(s) > 210 {
			t.Errorf("%q", s)
		}
	})
}
