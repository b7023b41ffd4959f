package judge

import (
	"cmp"
	"slices"
	"time"

	"qiantang.dev/rails/internal/money"
)

// Sum is one provider's payouts in one pair of currencies and state. Amounts are decimal strings in major units.
type Sum struct {
	Provider     string `json:"provider"`
	State        State  `json:"state"`
	SellCurrency string `json:"sellCurrency"`
	BuyCurrency  string `json:"buyCurrency"`
	Count        int64  `json:"count"`
	Sold         string `json:"sold"`
	Paid         string `json:"paid"`
}

// Entry is one payout as the report shows it.
type Entry struct {
	Provider     string    `json:"provider"`
	ID           string    `json:"id"`
	Ref          string    `json:"ref"`
	Reference    string    `json:"reference"`
	State        State     `json:"state"`
	SellCurrency string    `json:"sellCurrency"`
	SellAmount   string    `json:"sellAmount"`
	BuyCurrency  string    `json:"buyCurrency"`
	BuyAmount    string    `json:"buyAmount"`
	Account      string    `json:"account"`
	Reason       string    `json:"reason,omitempty"`
	Taken        time.Time `json:"taken"`
	Repeated     int       `json:"repeated,omitempty"`
	Conflicts    int       `json:"conflicts,omitempty"`
	AnswerLost   bool      `json:"answerLost,omitempty"`
}

// Duplicate is one business payment that more than one payout paid, or may yet pay.
type Duplicate struct {
	// By is reference (the same UETR) or id (the same ID at several providers).
	By      string  `json:"by"`
	Value   string  `json:"value"`
	Payouts []Entry `json:"payouts"`
}

// Report is the judgement.
type Report struct {
	Payouts    int   `json:"payouts"`
	Succeeded  int   `json:"succeeded"`
	Processing int   `json:"processing"`
	Failed     int   `json:"failed"`
	Exchanges  int   `json:"exchanges"`
	Conflicts  int   `json:"conflicts"`
	Sums       []Sum `json:"sums"`
	// ExchangeSums add up the exchanges that no payout was instructed with: what they bought is ours. Others are in the sums of their
	// payouts.
	ExchangeSums []Sum       `json:"exchangeSums,omitempty"`
	Duplicates   []Duplicate `json:"duplicates"`
	Entries      []Entry     `json:"entries,omitempty"`
}

// Judge reports on everything in the book at a time; entries are listed where asked for.
func (b *Book) Judge(now time.Time, provider string, entries bool) Report {
	out := Report{Sums: []Sum{}, Duplicates: []Duplicate{}}
	sums, exchanged := totals{}, totals{}
	byReference, byID := map[string][]Record{}, map[string][]Record{}
	for _, r := range b.All(provider, "") {
		if r.Kind == Exchange {
			out.Exchanges++
			out.Conflicts += r.Conflicts
			if _, paysOut := b.Find(Key{r.Provider, Payout, r.ID}); !paysOut {
				exchanged.add(r, r.At(now))
			}
			continue
		}
		state := r.At(now)
		out.Payouts++
		out.Conflicts += r.Conflicts
		switch state {
		case Succeeded:
			out.Succeeded++
		case Failed:
			out.Failed++
		default:
			out.Processing++
		}
		sums.add(r, state)
		if state != Failed {
			if r.Reference != "" {
				byReference[r.Reference] = append(byReference[r.Reference], r)
			}
			byID[r.ID] = append(byID[r.ID], r)
		}
		if entries {
			out.Entries = append(out.Entries, entry(r, now))
		}
	}
	out.Sums, out.ExchangeSums = sums.into(out.Sums), exchanged.into(nil)
	out.Duplicates = append(out.Duplicates, duplicates("reference", byReference, now)...)
	out.Duplicates = append(out.Duplicates, duplicates("id", byID, now)...)
	return out
}

type sumKey struct {
	provider  string
	state     State
	sell, buy money.Currency
}

type total struct{ n, sold, paid int64 }

type totals map[sumKey]total

func (t totals) add(r Record, state State) {
	k := sumKey{r.Provider, state, r.Sell.Currency(), r.Buy.Currency()}
	x := t[k]
	t[k] = total{x.n + 1, x.sold + r.Sell.Minor(), x.paid + r.Buy.Minor()}
}

// into appends the sums in a fixed order.
func (t totals) into(out []Sum) []Sum {
	for k, x := range t {
		out = append(out, Sum{Provider: k.provider, State: k.state, SellCurrency: string(k.sell), BuyCurrency: string(k.buy),
			Count: x.n, Sold: money.FromMinor(x.sold, k.sell).Decimal(), Paid: money.FromMinor(x.paid, k.buy).Decimal()})
	}
	slices.SortFunc(out, func(a, b Sum) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.State, b.State), cmp.Compare(a.SellCurrency, b.SellCurrency),
			cmp.Compare(a.BuyCurrency, b.BuyCurrency))
	})
	return out
}

func duplicates(by string, groups map[string][]Record, now time.Time) []Duplicate {
	var out []Duplicate
	for value, records := range groups {
		if len(records) < 2 {
			continue
		}
		d := Duplicate{By: by, Value: value}
		for _, r := range records {
			d.Payouts = append(d.Payouts, entry(r, now))
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Duplicate) int { return cmp.Compare(a.Value, b.Value) })
	return out
}

func entry(r Record, now time.Time) Entry {
	return Entry{Provider: r.Provider, ID: r.ID, Ref: r.Ref, Reference: r.Reference, State: r.At(now),
		SellCurrency: string(r.Sell.Currency()), SellAmount: r.Sell.Decimal(), BuyCurrency: string(r.Buy.Currency()), BuyAmount: r.Buy.Decimal(),
		Account: r.Account, Reason: r.Reason, Taken: r.Taken, Repeated: r.Repeated, Conflicts: r.Conflicts, AnswerLost: r.Lost}
}

// EntryOf is one record as reports show it.
func EntryOf(r Record, now time.Time) Entry { return entry(r, now) }
