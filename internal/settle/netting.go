package settle

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"qiantang.dev/rails/internal/money"
)

// Position is what a participant is owed and owes in a window, in one currency.
type Position struct {
	Participant string
	// In and Out are minor units of Currency, neither negative.
	Currency money.Currency
	In, Out  int64
}

// Net is In less Out: positive for who is to be paid.
func (p Position) Net() int64 { return p.In - p.Out }

// Obligation is one debt of a window: From owes To a positive Amount.
type Obligation struct {
	From, To string
	Amount   money.Amount
}

// Payment settles: Payer is to pay Payee a positive Amount.
type Payment struct {
	Payer, Payee string
	Amount       money.Amount
}

// CheckZeroSum returns an error unless the net positions sum to zero in every currency.
func CheckZeroSum(positions []Position) error {
	sums := map[money.Currency]money.Amount{}
	for _, p := range positions {
		if p.In < 0 || p.Out < 0 {
			return fmt.Errorf("position of %s in %s: negative turnover (in %d, out %d)", p.Participant, p.Currency, p.In, p.Out)
		}
		sum, err := orZero(sums, p.Currency).Add(money.FromMinor(p.Net(), p.Currency))
		if err != nil {
			return fmt.Errorf("sum of positions: %w", err)
		}
		sums[p.Currency] = sum
	}
	for _, sum := range sums {
		if !sum.IsZero() {
			return fmt.Errorf("net positions sum to %s, not to zero", sum)
		}
	}
	return nil
}

func orZero(m map[money.Currency]money.Amount, c money.Currency) money.Amount {
	if a, ok := m[c]; ok {
		return a
	}
	return money.Zero(c)
}

// Multilateral turns positions into payments from net debtors to net creditors: in each currency the largest pays the largest, so
// that n participants need at most n-1 payments. The same positions in any order give the same payments.
func Multilateral(positions []Position) ([]Payment, error) {
	if err := CheckZeroSum(positions); err != nil {
		return nil, err
	}
	type share struct {
		who  string
		left int64
	}
	debtors, creditors := map[money.Currency][]share{}, map[money.Currency][]share{}
	var currencies []money.Currency
	for _, p := range positions {
		if !slices.Contains(currencies, p.Currency) {
			currencies = append(currencies, p.Currency)
		}
		switch n := p.Net(); {
		case n < 0:
			debtors[p.Currency] = append(debtors[p.Currency], share{p.Participant, -n})
		case n > 0:
			creditors[p.Currency] = append(creditors[p.Currency], share{p.Participant, n})
		}
	}
	slices.Sort(currencies)
	var payments []Payment
	for _, c := range currencies {
		d, k := debtors[c], creditors[c]
		for _, s := range [2][]share{d, k} {
			slices.SortFunc(s, func(a, b share) int {
				return cmp.Or(cmp.Compare(b.left, a.left), strings.Compare(a.who, b.who))
			})
		}
		for i, j := 0, 0; i < len(d) && j < len(k); {
			pay := min(d[i].left, k[j].left)
			payments = append(payments, Payment{Payer: d[i].who, Payee: k[j].who, Amount: money.FromMinor(pay, c)})
			if d[i].left -= pay; d[i].left == 0 {
				i++
			}
			if k[j].left -= pay; k[j].left == 0 {
				j++
			}
		}
	}
	sortPayments(payments)
	return payments, nil
}

// Bilateral nets each pair of participants: per pair and currency one payment, or none where they are even.
func Bilateral(obligations []Obligation) ([]Payment, error) {
	type pair struct {
		a, b string // a < b
		c    money.Currency
	}
	nets := map[pair]money.Amount{} // what a owes b
	for _, o := range obligations {
		p, amount := pair{o.From, o.To, o.Amount.Currency()}, o.Amount
		if p.a > p.b {
			p.a, p.b, amount = p.b, p.a, amount.Neg()
		}
		old, ok := nets[p]
		if !ok {
			old = money.Zero(p.c)
		}
		sum, err := old.Add(amount)
		if err != nil {
			return nil, fmt.Errorf("net of %s and %s: %w", p.a, p.b, err)
		}
		nets[p] = sum
	}
	var payments []Payment
	for p, n := range nets {
		switch {
		case n.IsPositive():
			payments = append(payments, Payment{Payer: p.a, Payee: p.b, Amount: n})
		case n.IsNegative():
			payments = append(payments, Payment{Payer: p.b, Payee: p.a, Amount: n.Neg()})
		}
	}
	sortPayments(payments)
	return payments, nil
}

// Gross settles each obligation by itself, in the order given within payer and currency.
func Gross(obligations []Obligation) []Payment {
	payments := make([]Payment, len(obligations))
	for i, o := range obligations {
		payments[i] = Payment{Payer: o.From, Payee: o.To, Amount: o.Amount}
	}
	slices.SortStableFunc(payments, byPayer)
	return payments
}

func byPayer(a, b Payment) int {
	return cmp.Or(strings.Compare(a.Payer, b.Payer), cmp.Compare(a.Amount.Currency(), b.Amount.Currency()))
}

func sortPayments(p []Payment) {
	slices.SortFunc(p, func(a, b Payment) int { return cmp.Or(byPayer(a, b), strings.Compare(a.Payee, b.Payee)) })
}

// CheckPayments returns an error unless the payments add up to the net positions, participant by participant.
func CheckPayments(positions []Position, payments []Payment) error {
	type key struct {
		who string
		c   money.Currency
	}
	left := map[key]money.Amount{}
	add := func(who string, a money.Amount) error {
		k := key{who, a.Currency()}
		old, ok := left[k]
		if !ok {
			old = money.Zero(k.c)
		}
		sum, err := old.Add(a)
		left[k] = sum
		return err
	}
	for _, p := range positions {
		if err := add(p.Participant, money.FromMinor(p.Net(), p.Currency)); err != nil {
			return err
		}
	}
	for _, p := range payments {
		if !p.Amount.IsPositive() || p.Payer == p.Payee {
			return fmt.Errorf("payment of %s from %q to %q: want a positive amount between two", p.Amount, p.Payer, p.Payee)
		}
		if err := add(p.Payer, p.Amount); err != nil {
			return err
		}
		if err := add(p.Payee, p.Amount.Neg()); err != nil {
			return err
		}
	}
	for k, a := range left {
		if !a.IsZero() {
			return fmt.Errorf("payments leave %s with %s", k.who, a)
		}
	}
	return nil
}

// Turnover is one currency's gross obligations and what is paid to settle them.
type Turnover struct {
	Gross, Net money.Amount
	// EfficiencyBps is 1 - Net/Gross in basis points, rounded down.
	EfficiencyBps int64
}

// Turnovers sums per currency, by its code.
func Turnovers(positions []Position, payments []Payment) ([]Turnover, error) {
	gross, net := map[money.Currency]money.Amount{}, map[money.Currency]money.Amount{}
	var err error
	for _, p := range positions {
		if gross[p.Currency], err = orZero(gross, p.Currency).Add(money.FromMinor(p.Out, p.Currency)); err != nil {
			return nil, fmt.Errorf("gross: %w", err)
		}
	}
	for _, p := range payments {
		c := p.Amount.Currency()
		if net[c], err = orZero(net, c).Add(p.Amount); err != nil {
			return nil, fmt.Errorf("net: %w", err)
		}
	}
	var all []Turnover
	for c, g := range gross {
		n := orZero(net, c)
		all = append(all, Turnover{Gross: g, Net: n, EfficiencyBps: efficiency(g.Minor(), n.Minor())})
	}
	slices.SortFunc(all, func(a, b Turnover) int { return cmp.Compare(a.Gross.Currency(), b.Gross.Currency()) })
	return all, nil
}

// efficiency is floor((1 - net/gross) × 10,000) for 0 ≤ net ≤ gross.
func efficiency(gross, net int64) int64 {
	if gross <= 0 || net < 0 || net > gross {
		return 0
	}
	hi, lo := bits.Mul64(uint64(gross-net), 10000)
	q, _ := bits.Div64(hi, lo, uint64(gross))
	return int64(q)
}
