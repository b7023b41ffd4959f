package isomsg

import (
	"strings"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/pkg/client"
)

// Party is a party of a transfer as payments know one. Its country is that of its address, else of its residence, else of its agent's
// BIC, else of its IBAN; one that is known by a BIC alone is named by it.
func Party(p *iso20022.Party, account *iso20022.Account, agent *iso20022.Agent) client.Party {
	out := client.Party{Name: p.Name, Account: account.Number(), AgentBIC: BIC(agent)}
	if out.Name == "" && p.Organisation != nil {
		out.Name = p.Organisation.AnyBIC
	}
	if agent != nil && agent.ClearingCode == "CNAPS" {
		out.CNAPS = agent.Member
	}
	if a := p.Address; a != nil {
		out.Country, out.Town, out.PostCode = a.Country, a.Town, a.PostCode
		out.Street = strings.TrimSpace(a.Street + " " + a.BuildingNumber)
	}
	switch {
	case out.Country != "":
	case p.CountryResidence != "":
		out.Country = p.CountryResidence
	case len(out.AgentBIC) >= 6:
		out.Country = out.AgentBIC[4:6]
	case account != nil && len(account.IBAN) >= 2:
		out.Country = account.IBAN[:2]
	}
	return out
}

// Reference is what a payment is for, as one text.
func Reference(r *iso20022.Remittance) string {
	if r == nil {
		return ""
	}
	if len(r.Unstructured) > 0 {
		return strings.Join(r.Unstructured, " ")
	}
	for _, x := range r.Structured {
		if x.Reference != "" {
			return x.Reference
		}
	}
	return ""
}

// Time is a requested day or moment; a day means its first moment in UTC.
func Time(w iso20022.When) (time.Time, bool) {
	if w.DateTime != "" {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if t, err := time.Parse(layout, w.DateTime); err == nil {
				return t.UTC(), true
			}
		}
	}
	t, err := time.Parse(time.DateOnly, strings.TrimSuffix(w.Date, "Z"))
	return t, err == nil
}
