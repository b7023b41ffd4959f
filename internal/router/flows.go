package router

import (
	"fmt"
	"math/bits"
	"strconv"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// flow is one line of a paid payment, or the share of it that is given back.
type flow struct {
	// name makes the line's ID, code says what it is.
	name, code string
	from, to   ledger.Account
	amount     money.Amount
	// owed says that it is between settlement participants, and counts in a window.
	owed bool
}

// parts are what a payment's lines are made of, in minor units.
type parts struct {
	amount, fee, principal int64 // in the source currency; amount = fee + principal
	legs                   []legParts
	conversions            []conversion // the legs'
}

// legParts are those of one conversion. It sells what the one before it bought, the first the principal; mid = bought + spread.
type legParts struct{ sold, mid, spread, bought int64 }

// conversion is what the bookings need of a leg, or of a route that has none.
type conversion struct {
	provider, participant string
	buy, spread           money.Amount
	sell                  money.Currency
}

func (t *taken) conversions() []conversion {
	if len(t.Legs) == 0 {
		return []conversion{{t.Provider, t.Participant, t.Received.Amount, t.Spread.Amount, t.Principal.Currency()}}
	}
	out := make([]conversion, len(t.Legs))
	for i := range t.Legs {
		l := &t.Legs[i]
		out[i] = conversion{l.Provider, l.Participant, l.Buy.Amount, l.Spread.Amount, l.Sell.Currency()}
	}
	return out
}

// addsUp checks what bookings take for granted.
func (p *payment) addsUp() error {
	r := p.Route
	amount, err := r.Fee.Add(r.Principal.Amount)
	if err != nil {
		return fmt.Errorf("payment %s: fee and principal: %w", p.ID, err)
	}
	if amount != p.Amount.Amount {
		return fmt.Errorf("payment %s: fee %s and principal %s are not the amount %s", p.ID, r.Fee, r.Principal, p.Amount)
	}
	sold := r.Principal.Amount
	for i := range r.Legs {
		l := &r.Legs[i]
		if l.Sell.Amount != sold {
			return fmt.Errorf("payment %s: leg %d sells %s, not %s", p.ID, i+1, l.Sell, sold)
		}
		sold = l.Buy.Amount
	}
	if len(r.Legs) > p.Leg && p.Leg < len(r.Legs) && !p.exchanging() && sold != r.Received.Amount {
		return fmt.Errorf("payment %s: the last leg buys %s, %s are received", p.ID, sold, r.Received)
	}
	for _, c := range r.conversions() {
		if _, err := c.buy.Add(c.spread); err != nil {
			return fmt.Errorf("payment %s: %s bought and spread: %w", p.ID, c.provider, err)
		}
	}
	return nil
}

// whole are the parts of the payment itself.
func (p *payment) whole() parts {
	return p.share(func(minor int64) int64 { return minor }, p.Amount.Minor())
}

// backed gives back the same share of every line: fee and spread in proportion, rounded down, the rest with the larger lines. It only
// grows with back, and at the whole amount it is every line whole; so refunds, however they are cut, add up to the payment.
func (p *payment) backed(back int64) parts {
	return p.share(func(minor int64) int64 { return proportion(minor, back, p.Amount.Minor()) }, back)
}

// proportion is of × back / all, rounded down; neither is negative, and back is at most all.
func proportion(of, back, all int64) int64 {
	hi, lo := bits.Mul64(uint64(of), uint64(back)) //nolint:gosec // neither is negative
	q, _ := bits.Div64(hi, lo, uint64(all))        //nolint:gosec // back is at most all, so that q is at most of
	return int64(q)                                //nolint:gosec // as above
}

func (p *payment) share(of func(int64) int64, amount int64) parts {
	out := parts{amount: amount, fee: of(p.Route.Fee.Minor())}
	out.principal = amount - out.fee
	out.conversions = p.Route.conversions()
	out.legs = make([]legParts, 0, len(out.conversions))
	sold := out.principal
	for _, c := range out.conversions {
		l := legParts{sold: sold}
		if c.spread.IsNegative() {
			l.spread = -of(-c.spread.Minor())
			l.mid = of(c.buy.Minor() + c.spread.Minor())
			l.bought = l.mid - l.spread
		} else {
			l.spread, l.bought = of(c.spread.Minor()), of(c.buy.Minor())
			l.mid = l.bought + l.spread
		}
		sold = l.bought
		out.legs = append(out.legs, l)
	}
	return out
}

// flows are all the lines of a paid payment, save the reserve that was posted. There are as many whatever the parts.
func (p *payment) flows(x parts) []flow {
	out := []flow{p.feeFlow(x)}
	for i := range x.legs {
		out = p.legFlows(out, x, i)
	}
	return p.obligations(append(out, p.payoutFlow(x)), x)
}

func (p *payment) feeFlow(x parts) flow {
	c := p.Amount.Currency()
	return flow{"fee", "fee", p.clearing(c), internal("fees", p.Corridor, ledger.Income, c), money.FromMinor(x.fee, c), false}
}

// legName keeps the lines of several legs apart. The first leg's are named as those of a route that has none.
func legName(code string, i int) string {
	if i == 0 {
		return code
	}
	return code + "/" + strconv.Itoa(i+1)
}

// legFlows adds those of one conversion to list: what is sold to the provider's position; what is bought out of it at the reference rate; out of that the
// spread, on its own.
func (p *payment) legFlows(list []flow, x parts, i int) []flow {
	c, l := &x.conversions[i], x.legs[i]
	src, dst := c.sell, c.buy.Currency()
	position := func(of money.Currency) ledger.Account { return internal("fx", c.provider, ledger.Asset, of) }
	kept, clearing := internal("spread", c.provider, ledger.Liability, dst), p.clearing(dst)
	spread := flow{legName("spread", i), "spread", clearing, kept, money.FromMinor(l.spread, dst), false}
	if c.spread.IsNegative() {
		spread.from, spread.to, spread.amount = kept, clearing, money.FromMinor(-l.spread, dst)
	}
	return append(list,
		flow{legName("principal", i), "principal", p.clearing(src), position(src), money.FromMinor(l.sold, src), false},
		flow{legName("fx", i), "fx", position(dst), clearing, money.FromMinor(l.mid, dst), false},
		spread)
}

// payoutFlow is what the beneficiary got, or a conversion's other account.
func (p *payment) payoutFlow(x parts) flow {
	c := p.Route.Received.Currency()
	received := money.FromMinor(x.legs[len(x.legs)-1].bought, c)
	if p.To != "" {
		return flow{"credit", "credit", p.clearing(c), ledger.Account{ID: p.To}, received, false}
	}
	return flow{"payout", "payout", p.clearing(c), internal("payout", p.Route.Rail, ledger.Liability, c), received, false}
}

// obligations adds to list what settlement participants owe each other by a paid payment: the customer's what was sold to the first provider's,
// each provider's what it bought for us to the next one's, which sold it; the last one's what a conversion bought to the participant that holds it.
func (p *payment) obligations(list []flow, x parts) []flow {
	if p.Schedule == "" {
		return list
	}
	from := p.Participant
	for i, c := range x.conversions {
		list = owed(list, legName("obligation", i), from, c.participant, money.FromMinor(x.legs[i].sold, c.sell))
		from = c.participant
	}
	if p.To != "" {
		list = owed(list, "obligation/to", from, p.ToParticipant, money.FromMinor(x.legs[len(x.legs)-1].bought, p.Route.Received.Currency()))
	}
	return list
}

// owed adds an obligation, if it is one: between two participants.
func owed(list []flow, name, from, to string, a money.Amount) []flow {
	if !owing(from, to) {
		return list
	}
	return append(list, flow{name, "obligation", settlementAccount(from, a.Currency()), settlementAccount(to, a.Currency()), a, true})
}

// carryHops are what the institution owes where it has what was exchanged, and is owed.
func (p *payment) carryHops(institution string) []flow {
	var out []flow
	for i := range p.Route.Legs[:p.Leg] {
		l := &p.Route.Legs[i]
		out = owed(out, "carried/"+legName("obligation", i), institution, l.Participant, l.Sell.Amount)
		out = owed(out, "carried/"+legName("due", i), l.Participant, institution, l.Buy.Amount)
	}
	return out
}

// owes says whether paying p makes one settlement participant owe another within a window.
func owes(p *payment) bool {
	if p.Schedule == "" {
		return false
	}
	from := p.Participant
	for _, c := range p.Route.conversions() {
		if owing(from, c.participant) {
			return true
		}
		from = c.participant
	}
	return p.To != "" && owing(from, p.ToParticipant)
}

// owing says whether what one participant gives for another is between two that settle.
func owing(from, to string) bool { return from != "" && to != "" && from != to }
