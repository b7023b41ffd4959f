package router

import (
	"crypto/sha1" //nolint:gosec // see lineID
	"slices"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

// entries is the booking lines of one commit and the internal accounts that they need.
type entries struct {
	accounts  []ledger.Account
	transfers []ledger.Transfer
	// puts are records that belong to the bookings.
	puts []ledger.Put
}

// line IDs follow from the payment and the line's name, so that a commit sent twice is booked once.
func (p *payment) line(name string) uuid.UUID {
	id := lineID(p.ID, name)
	if p.Names == namesTogether {
		copy(id[:8], p.ID[:8])
		id[6] = id[6]&0x0f | 0x80
	}
	return id
}

// namesTogether are names, as UUIDs of version 8, that begin with the payment's own time: a payment's lines lie together in the index of
// IDs, and at its end, where those of version 5 lie anywhere. Payments from before have those, and keep them.
const namesTogether = 1

// lineID is the UUID of version 5 (RFC 9562) of a name within a space. A payment needs eight of them, so it makes no garbage.
func lineID(space uuid.UUID, name string) uuid.UUID {
	buf := make([]byte, 0, 64)
	buf = append(append(buf, space[:]...), name...)
	sum := sha1.Sum(buf) //nolint:gosec // the version says SHA-1; nothing hangs on its strength
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}

func (p *payment) clearing(c money.Currency) ledger.Account {
	return internal("clearing", p.Corridor, ledger.Liability, c)
}

// internal is an account of ours, <what>:<of>:<currency>.
func internal(what, of string, t ledger.AccountType, c money.Currency) ledger.Account {
	id := what + ":" + of + ":" + string(c)
	return ledger.Account{ID: id, Owner: id[:len(id)-1-len(c)], Type: t, Currency: c}
}

// settlementAccount is where a participant's obligations of a window add up.
func settlementAccount(participant string, c money.Currency) ledger.Account {
	a := internal("settlement", participant, ledger.Liability, c)
	a.Participant = participant
	return a
}

// bookReserve holds the whole amount, fee included, for the corridor, and keeps what is kept of a new payment.
func bookReserve(p *payment) entries {
	clearing := p.clearing(p.Amount.Currency())
	return entries{
		accounts: []ledger.Account{clearing},
		transfers: []ledger.Transfer{{
			ID: p.line("reserve"), Kind: ledger.Reserve, Debit: p.Account, Credit: clearing.ID, Amount: p.Amount.Amount,
			Code: p.kind(), Reference: p.ID.String(),
		}},
		puts: slices.Concat(p.kept, p.claims),
	}
}

// bookVoid gives the reserve back.
func bookVoid(p *payment) entries {
	return entries{transfers: []ledger.Transfer{{
		ID: p.line("void"), Kind: ledger.Void, Amount: money.Zero(p.Amount.Currency()), Ref: p.line("reserve"),
		Code: p.kind(), Reference: p.ID.String(),
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
	flows := append(make([]flow, 0, 3+4*len(whole.legs)), p.feeFlow(whole))
	for i := p.Leg; i < len(whole.legs); i++ {
		flows = p.legFlows(flows, whole, i)
	}
	flows = append(flows, p.payoutFlow(whole))
	flows = p.obligations(flows, whole)
	b := entries{accounts: make([]ledger.Account, 0, 2*len(flows)), transfers: make([]ledger.Transfer, 0, 1+len(flows))}
	b.transfers = append(b.transfers, ledger.Transfer{
		ID: p.line("post"), Kind: ledger.Post, Amount: p.Amount.Amount, Ref: p.line("reserve"), Code: p.kind(), Reference: p.ID.String(),
	})
	b.add(p, window, flows...)
	return b, nil
}

// bookExchange books the leg that has just been done: what was sold to the provider's position, and what that bought into clearing, with
// the leg's own spread. Clearing stands open in both currencies until the payment ends: the customer's money is only held.
func bookExchange(p *payment) (entries, error) {
	if err := p.addsUp(); err != nil {
		return entries{}, err
	}
	var b entries
	b.add(p, "", p.legFlows(nil, p.whole(), p.Leg)...)
	return b, nil
}

// bookCarry ends a payment whose first legs are done and whose last is not: the hold ends, and what stands open in clearing goes to an
// account of its own, the institution's open position. What the customer's participant would have owed the exchange's provider,
// the institution owes, and is owed what was bought.
func bookCarry(p *payment, institution, window string) entries {
	b := bookVoid(p)
	sold, bought := p.Route.Legs[0].Sell.Amount, p.Route.Legs[p.Leg-1].Buy.Amount
	carried := func(c money.Currency) ledger.Account { return internal("carried", p.Corridor, ledger.Asset, c) }
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
	reference := p.ID.String()
	for i := range flows {
		f := &flows[i]
		if f.amount.IsZero() {
			continue
		}
		b.accounts = append(b.accounts, f.from)
		if f.to.Type != "" { // a customer's account is there already
			b.accounts = append(b.accounts, f.to)
		}
		t := ledger.Transfer{
			ID: p.line(f.name), Kind: ledger.Immediate, Debit: f.from.ID, Credit: f.to.ID, Amount: f.amount, Code: f.code, Reference: reference,
		}
		if f.owed {
			t.Window = window
		}
		b.transfers = append(b.transfers, t)
	}
}
