package money

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/bojanz/currency"
	"pgregory.net/rapid"
)

func TestCurrencyTableAgreesWithISO4217(t *testing.T) {
	// bojanz/currency v1.4.0 is list one of June 2024: what changed since is named here.
	gone, come := map[string]bool{"ANG": true, "BGN": true}, map[Currency]bool{"XCG": true}
	for _, code := range currency.GetCurrencyCodes() {
		want, _ := currency.GetDigits(code)
		if got := Currency(code).Digits(); !gone[code] && got != int(want) {
			t.Errorf("%s: %d digits, want %d", code, got, want)
		}
	}
	for c := range minorUnits {
		if !currency.IsValid(string(c)) && !come[c] {
			t.Errorf("%s: not in list one", c)
		}
	}
}

func TestParseAmount(t *testing.T) {
	for _, tc := range []struct {
		in   string
		c    Currency
		want int64
		ok   bool
	}{
		{"1250.5", "USD", 125050, true}, {"0.01", "USD", 1, true}, {"7", "JPY", 7, true}, {"1.234", "BHD", 1234, true},
		{"9999999999999999.99", "USD", 999999999999999999, true},
		{"10000000000000000.00", "USD", 0, false}, {"1.234", "USD", 0, false}, {"1.0", "JPY", 0, false}, {"-1", "USD", 0, false},
		{"+1", "USD", 0, false}, {"1e3", "USD", 0, false}, {"", "USD", 0, false}, {".5", "USD", 0, false}, {"5.", "USD", 0, false},
		{" 5", "USD", 0, false}, {"1,000", "USD", 0, false}, {"5", "CNH", 0, false}, {"１", "USD", 0, false}, {"1.-5", "USD", 0, false},
	} {
		a, err := ParseAmount(tc.in, tc.c)
		if (err == nil) != tc.ok || (tc.ok && a.Minor() != tc.want) {
			t.Errorf("ParseAmount(%q, %s) = %v, %v", tc.in, tc.c, a, err)
		}
		var pe *ParseError
		if err != nil && (!errors.As(err, &pe) || pe.Value != tc.in) {
			t.Errorf("ParseAmount(%q): error %v does not name the value", tc.in, err)
		}
	}
}

func TestDecimalReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]Currency{"USD", "JPY", "BHD", "CLF"}).Draw(t, "c")
		a := FromMinor(rapid.Int64Range(0, 99999999999999).Draw(t, "minor"), c)
		b, err := ParseAmount(a.Decimal(), c)
		if err != nil || a != b {
			t.Fatalf("%v reads back as %v, %v", a, b, err)
		}
	})
	if got := FromMinor(-5, "USD").String(); got != "-0.05 USD" {
		t.Errorf("got %q", got)
	}
	if got := FromMinor(math.MinInt64, "JPY").Decimal(); got != "-9223372036854775808" {
		t.Errorf("got %q", got)
	}
}

func TestAddSubAreExactOrFail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Int64().Draw(t, "x"), rapid.Int64().Draw(t, "y")
		for _, op := range []struct {
			f    func(a, b Amount) (Amount, error)
			want *big.Int
		}{
			{Amount.Add, new(big.Int).Add(big.NewInt(x), big.NewInt(y))},
			{Amount.Sub, new(big.Int).Sub(big.NewInt(x), big.NewInt(y))},
		} {
			got, err := op.f(FromMinor(x, "USD"), FromMinor(y, "USD"))
			if err == nil && big.NewInt(got.Minor()).Cmp(op.want) != 0 {
				t.Fatalf("%d, %d: got %d", x, y, got.Minor())
			}
			if err != nil && op.want.IsInt64() && y != math.MinInt64 {
				t.Fatalf("%d, %d: %v", x, y, err)
			}
		}
	})
	if _, err := FromMinor(1, "USD").Add(FromMinor(1, "CNY")); err == nil || err.Error() != `currency "CNY" does not match "USD"` {
		t.Errorf("got %v", err)
	}
}

func TestConvertAgreesWithBigArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SampledFrom([]Currency{"USD", "JPY", "BHD", "CLF"}).Draw(t, "from")
		to := rapid.SampledFrom([]Currency{"CNY", "KRW", "KWD", "UYW"}).Draw(t, "to")
		minor := rapid.Int64Range(-1e9, 1e9).Draw(t, "minor")
		r, err := ParseRate(rapid.StringMatching(`[1-9][0-9]{0,4}\.[0-9]{1,9}`).Draw(t, "rate"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := FromMinor(minor, from).Convert(r, to, HalfUp)
		if err != nil {
			t.Fatal(err)
		}
		q, _ := new(big.Rat).SetString(r.String())
		q.Mul(q, new(big.Rat).SetInt64(minor))
		q.Mul(q, new(big.Rat).SetFrac64(int64(pow10[to.Digits()]), int64(pow10[from.Digits()])))
		diff := new(big.Rat).Sub(q, new(big.Rat).SetInt64(got.Minor()))
		if diff.Abs(diff).Cmp(big.NewRat(1, 2)) > 0 {
			t.Fatalf("%d %s at %s = %v, exactly %s", minor, from, r, got, q.FloatString(4))
		}
	})
}

func TestRoundingIsWhatItsNameSays(t *testing.T) {
	for _, tc := range []struct {
		minor int64
		want  map[Rounding]int64
	}{
		{5, map[Rounding]int64{HalfUp: 1, HalfEven: 0, Down: 0, Up: 1}},
		{15, map[Rounding]int64{HalfUp: 2, HalfEven: 2, Down: 1, Up: 2}},
		{-15, map[Rounding]int64{HalfUp: -2, HalfEven: -2, Down: -1, Up: -2}},
		{14, map[Rounding]int64{HalfUp: 1, HalfEven: 1, Down: 1, Up: 2}},
		{20, map[Rounding]int64{HalfUp: 2, HalfEven: 2, Down: 2, Up: 2}},
	} {
		for r, want := range tc.want {
			if got, err := FromMinor(tc.minor, "USD").Bps(1000, r); err != nil || got.Minor() != want {
				t.Errorf("10%% of %d, rounding %d: %v, %v; want %d", tc.minor, r, got, err, want)
			}
		}
	}
}

func TestConvertRefusesWhatDoesNotFit(t *testing.T) {
	r, _ := ParseRate("99999")
	var oe *OverflowError
	if _, err := FromMinor(math.MaxInt64, "JPY").Convert(r, "CLF", HalfUp); !errors.As(err, &oe) {
		t.Errorf("got %v", err)
	}
	if _, err := FromMinor(1, "XXX").Convert(r, "CNY", HalfUp); err == nil {
		t.Error("converted from no currency")
	}
	if _, err := FromMinor(1, "USD").Convert(r, "CNH", HalfUp); err == nil {
		t.Error("converted into CNH")
	}
	if _, err := FromMinor(1, "USD").Bps(-1, HalfUp); err == nil {
		t.Error("took a negative share")
	}
}

func TestParseRateRefuses(t *testing.T) {
	for _, s := range []string{"", "0", "-1", "1e3", "1.2.3", "abc", "1.1234567890123", "1234567890123456789.1", "+1"} {
		if r, err := ParseRate(s); err == nil {
			t.Errorf("ParseRate(%q) = %v", s, r)
		}
	}
}

func TestSpreadAndShift(t *testing.T) {
	ref, _ := ParseRate("7.2")
	worse, err := ref.ShiftBps(-25, 9)
	if err != nil {
		t.Fatal(err)
	}
	if bps, err := worse.SpreadBps(ref); err != nil || bps != 25 {
		t.Errorf("spread %d, %v; want 25", bps, err)
	}
	better, _ := ref.ShiftBps(10, 9)
	if bps, err := better.SpreadBps(ref); err != nil || bps != -10 {
		t.Errorf("spread %d, %v; want -10", bps, err)
	}
	eurusd, _ := ParseRate("1.1684")
	eurcny, _ := ParseRate("7.9827")
	if x, err := eurcny.Div(eurusd, 6); err != nil || x.String() != "6.832164" {
		t.Errorf("USD/CNY %v, %v", x, err)
	}
	if inv, err := worse.Inverse(9); err != nil || inv.Cmp(Rate{}) <= 0 {
		t.Errorf("inverse %v, %v", inv, err)
	}
}

func TestFixedIsExactOrRefused(t *testing.T) {
	for s, want := range map[string]int64{"7.2": 7200000000000, "0.000000000001": 1, "9223372": 9223372000000000000, "9223373": 0} {
		r, err := ParseRate(s)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := r.Fixed(); ok != (want != 0) || (ok && got != want) {
			t.Errorf("%s: %d, %v; want %d", s, got, ok, want)
		}
	}
	if got, ok := (Rate{}).Fixed(); !ok || got != 0 {
		t.Errorf("no rate: %d, %v", got, ok)
	}
}
