package settle

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/money"
)

func usd(minor int64) money.Amount { return money.FromMinor(minor, "USD") }

// genObligations draws debts between a few participants in a few currencies.
func genObligations(t *rapid.T) []Obligation {
	n := rapid.IntRange(0, 60).Draw(t, "obligations")
	var all []Obligation
	for range n {
		from := rapid.IntRange(0, 6).Draw(t, "from")
		to := (from + rapid.IntRange(1, 6).Draw(t, "to")) % 7
		c := rapid.SampledFrom([]money.Currency{"USD", "CNY", "JPY"}).Draw(t, "currency")
		all = append(all, Obligation{
			From: fmt.Sprint("p", from), To: fmt.Sprint("p", to), Amount: money.FromMinor(rapid.Int64Range(1, 1e12).Draw(t, "amount"), c),
		})
	}
	return all
}

func positionsOf(all []Obligation) []Position {
	type key struct {
		who string
		c   money.Currency
	}
	at := map[key]int{}
	var out []Position
	find := func(who string, c money.Currency) *Position {
		k := key{who, c}
		if i, ok := at[k]; ok {
			return &out[i]
		}
		at[k] = len(out)
		out = append(out, Position{Participant: who, Currency: c})
		return &out[len(out)-1]
	}
	for _, o := range all {
		find(o.From, o.Amount.Currency()).Out += o.Amount.Minor()
		find(o.To, o.Amount.Currency()).In += o.Amount.Minor()
	}
	return out
}

func TestPaymentsOfEveryModelAddUpToTheNetPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		owed := genObligations(t)
		pos := positionsOf(owed)
		if err := CheckZeroSum(pos); err != nil {
			t.Fatal(err)
		}
		multi, err := Multilateral(pos)
		if err != nil {
			t.Fatal(err)
		}
		bi, err := Bilateral(owed)
		if err != nil {
			t.Fatal(err)
		}
		var volume []int64
		for _, payments := range [][]Payment{multi, bi, Gross(owed)} {
			if err := CheckPayments(pos, payments); err != nil {
				t.Fatal(err)
			}
			sums, err := Turnovers(pos, payments)
			if err != nil {
				t.Fatal(err)
			}
			var v int64
			for _, s := range sums {
				v += s.Net.Minor()
				if s.EfficiencyBps < 0 || s.EfficiencyBps > 10000 || s.Net.Minor() > s.Gross.Minor() {
					t.Fatalf("net %s of gross %s: %d bps", s.Net, s.Gross, s.EfficiencyBps)
				}
			}
			volume = append(volume, v)
		}
		if volume[0] > volume[1] || volume[1] > volume[2] {
			t.Fatalf("multilateral pays %d, bilateral %d, gross %d: want each at most the next", volume[0], volume[1], volume[2])
		}
	})
}

func TestMultilateralNeedsFewPaymentsAndPaysPositiveNetsOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pos := positionsOf(genObligations(t))
		payments, err := Multilateral(pos)
		if err != nil {
			t.Fatal(err)
		}
		members, paid, positive := map[money.Currency]int{}, map[money.Currency]int64{}, map[money.Currency]int64{}
		for _, p := range pos {
			members[p.Currency]++
			positive[p.Currency] += max(p.Net(), 0)
		}
		count := map[money.Currency]int{}
		for _, p := range payments {
			count[p.Amount.Currency()]++
			paid[p.Amount.Currency()] += p.Amount.Minor()
		}
		for c, n := range count {
			if n > members[c]-1 {
				t.Fatalf("%d payments among %d in %s", n, members[c], c)
			}
			if paid[c] != positive[c] {
				t.Fatalf("%s: paid %d, positive nets are %d", c, paid[c], positive[c])
			}
		}
		shuffled := slices.Clone(pos)
		slices.Reverse(shuffled)
		again, err := Multilateral(shuffled)
		if err != nil || !reflect.DeepEqual(payments, again) {
			t.Fatalf("another order of positions gives other payments (%v)", err)
		}
	})
}

func TestMultilateralByHand(t *testing.T) {
	got, err := Multilateral([]Position{
		{"self", "USD", 0, 1000}, {"pingpong", "USD", 700, 0}, {"lianlian", "USD", 250, 50}, {"antom", "USD", 100, 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Payment{{"self", "antom", usd(100)}, {"self", "lianlian", usd(200)}, {"self", "pingpong", usd(700)}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPositionsThatDoNotSumToZeroAreRefused(t *testing.T) {
	if _, err := Multilateral([]Position{{"a", "USD", 0, 10}, {"b", "USD", 9, 0}}); err == nil {
		t.Error("nine for ten was netted")
	}
	if err := CheckZeroSum([]Position{{"a", "USD", -1, 0}, {"b", "USD", 1, 0}}); err == nil {
		t.Error("a negative turnover was taken")
	}
}

func TestPaymentsThatDoNotAddUpAreRefused(t *testing.T) {
	pos := []Position{{"a", "USD", 0, 10}, {"b", "USD", 10, 0}}
	for name, p := range map[string][]Payment{
		"too little":       {{"a", "b", usd(9)}},
		"none":             nil,
		"twice":            {{"a", "b", usd(10)}, {"a", "b", usd(10)}},
		"to oneself":       {{"a", "b", usd(10)}, {"a", "a", usd(1)}},
		"another currency": {{"a", "b", money.FromMinor(10, "CNY")}},
		"negative":         {{"b", "a", usd(-10)}},
	} {
		if CheckPayments(pos, p) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestEfficiencyIsExactAndRoundedDown(t *testing.T) {
	for _, c := range []struct{ gross, net, want int64 }{
		{0, 0, 0}, {100, 100, 0}, {100, 0, 10000}, {3, 1, 6666}, {math.MaxInt64, math.MaxInt64 - 1, 0}, {math.MaxInt64, 0, 10000},
	} {
		if got := efficiency(c.gross, c.net); got != c.want {
			t.Errorf("efficiency of net %d in gross %d: %d, want %d", c.net, c.gross, got, c.want)
		}
	}
}

func TestSumsBeyondInt64AreErrors(t *testing.T) {
	big := usd(math.MaxInt64)
	if _, err := Bilateral([]Obligation{{"a", "b", big}, {"a", "b", big}}); err == nil {
		t.Error("bilateral overflow was not noticed")
	}
	if _, err := Turnovers([]Position{{"a", "USD", 0, math.MaxInt64}, {"b", "USD", 0, math.MaxInt64}}, nil); err == nil {
		t.Error("gross overflow was not noticed")
	}
}
