package router

import (
	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// entries is the booking lines of one commit and the internal accounts that they need.
type entries struct {
	accounts  []ledger.Account
	transfers []ledger.Transfer
}

// line IDs follow from the payment and the line's name, so that a commit sent twice is booked once.
func (p *payment) line(name string) uuid.UUID { return uuid.NewSHA1(p.ID, []byte(name)) }

func (p *payment) clearing(c money.Currency) ledger.Account {
	return internal("clearing:"+p.Corridor, ledger.Liability, c)
}

func internal(name string, t ledger.AccountType, c money.Currency) ledger.Account {
	return ledger.Account{ID: name + ":" + string(c), Owner: name, Type: t, Currency: c}
}

// settlementAccount is where a participant's obligations of a window add up.
func settlementAccount(participant string, c money.Currency) ledger.Account {
	a := internal("settlement:"+participant, ledger.Liability, c)
	a.Participant = participant
	return a
}

// bookReserve holds the whole amount, fee included, for the corridor.
func bookReserve(p *payment) entries {
	clearing := p.clearing(p.Amount.Currency())
	return entries{
		accounts: []ledger.Account{clearing},
		transfers: []ledger.Transfer{{
			ID: p.line("reserve"), Kind: ledger.Reserve, Debit: p.Account, Credit: clearing.ID, Amount: p.Amount.Amount,
			Code: "payment", Reference: p.ID.String(),
		}},
	}
}

// bookVoid gives the reserve back.
func bookVoid(p *payment) entries {
	return entries{transfers: []ledger.Transfer{{
		ID: p.line("void"), Kind: ledger.Void, Amount: money.Zero(p.Amount.Currency()), Ref: p.line("reserve"),
		Code: "payment", Reference: p.ID.String(),
	}}}
}

// bookPaid books what a paid payment was: the customer's money into clearing; out of it the fee, and the principal to the
// provider's position; the destination currency out of that position at the reference rate; out of it the spread, on its own, and
// what the beneficiary got. The clearing accounts end at zero in both currencies. Where two participants are concerned, the principal is what the customer's
// owes the provider's, and counts in window.
func bookPaid(p *payment, window string) (entries, error) {
	if err := p.addsUp(); err != nil {
		return entries{}, err
	}
	whole := p.whole()
	b := entries{transfers: []ledger.Transfer{{
		ID: p.line("post"), Kind: ledger.Post, Amount: p.Amount.Amount, Ref: p.line("reserve"), Code: "payment", Reference: p.ID.String(),
	}}}
	b.add(p, "", p.feeFlow(whole))
	for i := p.Leg; i < len(whole.legs); i++ {
		b.add(p, "", p.legFlows(whole, i)...)
	}
	b.add(p, window, p.payoutFlow(whole))
	b.add(p, window, p.obligations(whole)...)
	return b, nil
}

// bookExchange books the leg that has just been done: what was sold to the provider's position, and what that bought into clearing, with
// the leg's own spread. Clearing stands open in both currencies until the payment ends: the customer's money is only held.
func bookExchange(p *payment) (entries, error) {
	if err := p.addsUp(); err != nil {
		return entries{}, err
	}
	var b entries
	b.add(p, "", p.legFlows(p.whole(), p.Leg)...)
	return b, nil
}

// bookCarry ends a payment whose first legs are done and whose last is not: the hold ends, and what stands open in clearing goes to an
// account of its own, the institution's open position. What the customer's participant would have owed the exchange's provider,
// the institution owes, and is owed what was bought.
func bookCarry(p *payment, institution, window string) entries {
	b := bookVoid(p)
	sold, bought := p.Route.Legs[0].Sell.Amount, p.Route.Legs[p.Leg-1].Buy.Amount
	carried := func(c money.Currency) ledger.Account { return internal("carried:"+p.Corridor, ledger.Asset, c) }
	b.add(p, window, flow{"carried", "carried", carried(sold.Currency()), p.clearing(sold.Currency()), sold, false},
		flow{"carried/bought", "carried", p.clearing(bought.Currency()), carried(bought.Currency()), bought, false})
	if p.Schedule != "" {
		b.add(p, window, p.carryHops(institution)...)
	}
	return b
}

// bookReturn reverses what refunds have left of every line of a paid payment.
func bookReturn(p *payment, window string) (entries, error) {
	return bookBack(p, "return", p.refunded(), p.Amount.Minor(), window)
}

// add adds flows as immediate lines; nothing where there is nothing to move. Those between participants count in window.
func (b *entries) add(p *payment, window string, flows ...flow) {
	for _, f := range flows {
		if f.amount.IsZero() {
			continue
		}
		b.accounts = append(b.accounts, f.from, f.to)
		t := ledger.Transfer{
			ID: p.line(f.name), Kind: ledger.Immediate, Debit: f.from.ID, Credit: f.to.ID, Amount: f.amount, Code: f.code, Reference: p.ID.String(),
		}
		if f.owed {
			t.Window = window
		}
		b.transfers = append(b.transfers, t)
	}
}
