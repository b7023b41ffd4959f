package fx

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/money"
)

func TestPriceBuysAtLeastWhatIsAskedAndNoLessWouldDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SampledFrom([]money.Currency{"USD", "JPY", "BHD", "IDR"}).Draw(t, "from")
		to := rapid.SampledFrom([]money.Currency{"CNY", "KRW", "KWD"}).Draw(t, "to")
		rate, err := money.ParseRate(rapid.StringMatching(`[0-9]{1,4}\.[0-9]{0,6}[1-9]`).Draw(t, "rate"))
		if err != nil {
			t.Fatal(err)
		}
		buy := money.FromMinor(rapid.Int64Range(1, 1e11).Draw(t, "buy"), to)
		sell, got, err := Price(QuoteRequest{Sell: money.Zero(from), Buy: buy}, rate)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := sell.Convert(rate, to, money.HalfUp); err != nil || again != got || got.Minor() < buy.Minor() {
			t.Fatalf("%s buys %s (%v), got %s, asked %s", sell, again, err, got, buy)
		}
		less, err := money.FromMinor(sell.Minor()-1, from).Convert(rate, to, money.HalfUp)
		if err != nil || sell.Minor() > 1 && less.Minor() >= buy.Minor() {
			t.Fatalf("%s would do for %s", less, buy)
		}
	})
}

func TestPriceWantsOneAmount(t *testing.T) {
	r, _ := money.ParseRate("7.2")
	for _, q := range []QuoteRequest{
		{Sell: money.Zero("USD"), Buy: money.Zero("CNY")},
		{Sell: money.FromMinor(1, "USD"), Buy: money.FromMinor(1, "CNY")},
		{Sell: money.FromMinor(-1, "USD"), Buy: money.Zero("CNY")},
		{Sell: money.Zero("USD"), Buy: money.FromMinor(1, "CNH")},
	} {
		if _, _, err := Price(q, r); err == nil {
			t.Errorf("priced %+v", q)
		}
	}
	tiny, _ := money.ParseRate("0.000000000001")
	if _, _, err := Price(QuoteRequest{Sell: money.Zero("USD"), Buy: money.FromMinor(1e17, "CNY")}, tiny); err == nil {
		t.Error("priced what no amount buys")
	}
}

func TestBoundIsTheEarlier(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	for _, tc := range [][3]time.Time{{early, late, early}, {late, early, early}, {{}, late, late}, {early, {}, early}} {
		if got := Bound(tc[0], tc[1]); got != tc[2] {
			t.Errorf("Bound(%v, %v) = %v", tc[0], tc[1], got)
		}
	}
}
