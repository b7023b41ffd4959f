package settle

import (
	"fmt"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// checkParties says what stands against the instructions without stopping them: a net debtor above its cap, a participant that the
// plan does not have, or one without a BIC or an account. Operations decide what to do; the obligations exist either way.
func checkParties(positions []Position, payments []Payment, parties map[string]plan.Participant) []string {
	var breaks []string
	for _, p := range positions {
		if limit, ok := debitCap(parties[p.Participant], p.Currency); ok && -p.Net() > limit.Minor() {
			breaks = append(breaks, fmt.Sprintf("%s owes %s net, above its net debit cap of %s",
				p.Participant, money.FromMinor(-p.Net(), p.Currency), limit))
		}
	}
	seen := map[string]bool{}
	for _, p := range payments {
		for _, who := range [2]string{p.Payer, p.Payee} {
			c := p.Amount.Currency()
			if seen[who+string(c)] {
				continue
			}
			seen[who+string(c)] = true
			party, ok := parties[who]
			switch {
			case !ok:
				breaks = append(breaks, fmt.Sprintf("participant %s is not in the plan: instructed by name alone", who))
				continue
			case party.BIC == "" && !seen[who]:
				breaks = append(breaks, fmt.Sprintf("participant %s has no BIC: instructed by LEI or name", who))
			}
			seen[who] = true
			if _, ok := accountOf(party, c); !ok {
				breaks = append(breaks, fmt.Sprintf("participant %s has no account in %s: instructed without one", who, c))
			}
		}
	}
	return breaks
}

func accountOf(p plan.Participant, c money.Currency) (plan.ParticipantAccount, bool) {
	for _, a := range p.Accounts {
		if a.Currency == string(c) && (a.IBAN != "" || a.Other != "") {
			return a, true
		}
	}
	return plan.ParticipantAccount{}, false
}

// debitCap is a participant's net debit cap in a currency. A cap that is no amount was refused when compiling; here it is none.
func debitCap(p plan.Participant, c money.Currency) (money.Amount, bool) {
	for _, a := range p.Accounts {
		if a.Currency != string(c) || a.NetDebitCap == "" {
			continue
		}
		limit, err := money.ParseAmount(a.NetDebitCap, c)
		return limit, err == nil
	}
	return money.Amount{}, false
}
