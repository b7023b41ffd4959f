package router

import (
	"fmt"

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
	r := p.Route
	amount, err := r.Fee.Add(r.Principal.Amount)
	if err != nil {
		return entries{}, fmt.Errorf("payment %s: fee and principal: %w", p.ID, err)
	}
	if amount != p.Amount.Amount {
		return entries{}, fmt.Errorf("payment %s: fee %s and principal %s are not the amount %s", p.ID, r.Fee, r.Principal, p.Amount)
	}
	mid, err := r.Received.Add(r.Spread.Amount)
	if err != nil {
		return entries{}, fmt.Errorf("payment %s: received and spread: %w", p.ID, err)
	}
	src, dst := amount.Currency(), mid.Currency()
	clearingIn, clearingOut := p.clearing(src), p.clearing(dst)
	fees := internal("fees:"+p.Corridor, ledger.Income, src)
	sold, bought := internal("fx:"+r.Provider, ledger.Asset, src), internal("fx:"+r.Provider, ledger.Asset, dst)
	spread := internal("spread:"+r.Provider, ledger.Liability, dst)
	payout := internal("payout:"+r.Rail, ledger.Liability, dst)

	b := entries{accounts: []ledger.Account{clearingOut, fees, sold, bought, spread, payout}}
	b.transfers = append(b.transfers, ledger.Transfer{
		ID: p.line("post"), Kind: ledger.Post, Amount: p.Amount.Amount, Ref: p.line("reserve"), Code: "payment", Reference: p.ID.String(),
	})
	b.move(p, "fee", clearingIn, fees, r.Fee.Amount)
	b.move(p, "principal", clearingIn, sold, r.Principal.Amount)
	b.move(p, "fx", bought, clearingOut, mid)
	if r.Spread.IsNegative() {
		b.move(p, "spread", spread, clearingOut, r.Spread.Neg())
	} else {
		b.move(p, "spread", clearingOut, spread, r.Spread.Amount)
	}
	b.move(p, "payout", clearingOut, payout, r.Received.Amount)
	if owes(p) {
		from, to := settlementAccount(p.Participant, src), settlementAccount(r.Participant, src)
		b.accounts = append(b.accounts, from, to)
		b.move(p, "obligation", from, to, r.Principal.Amount)
		b.transfers[len(b.transfers)-1].Window = window
	}
	return b, nil
}

// owes says whether paying p makes one settlement participant owe another within a window.
func owes(p *payment) bool {
	return p.Schedule != "" && p.Participant != "" && p.Route.Participant != "" && p.Participant != p.Route.Participant
}

// bookReturn reverses what refunds have left of every line of a paid payment.
func bookReturn(p *payment, window string) (entries, error) {
	return bookBack(p, "return", p.refunded(), p.Amount.Minor(), window)
}

// move adds an immediate line from one account to another; nothing where there is nothing to move.
func (b *entries) move(p *payment, code string, from, to ledger.Account, a money.Amount) {
	if a.IsZero() {
		return
	}
	b.transfers = append(b.transfers, ledger.Transfer{
		ID: p.line(code), Kind: ledger.Immediate, Debit: from.ID, Credit: to.ID, Amount: a, Code: code, Reference: p.ID.String(),
	})
}
