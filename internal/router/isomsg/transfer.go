package isomsg

import (
	"fmt"
	"strings"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/pkg/client"
)

// Refusal is why a transfer cannot be a payment: an external status reason and words.
type Refusal struct{ Code, Detail string }

// Between are the agents of a message.
type Between struct{ From, To string }

// Agents are those of a transfer's message: the transfer's own, else the group's.
func Agents(m *iso20022.Pacs008) Between {
	b := Between{BIC(m.Header.InstructingAgent), BIC(m.Header.InstructedAgent)}
	if len(m.Transfers) > 0 {
		b.From, b.To = either(BIC(m.Transfers[0].InstructingAgent), b.From), either(BIC(m.Transfers[0].InstructedAgent), b.To)
	}
	return b
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Request makes a payment request of the one transfer of a message that CBPR+ has nothing against: everything but the corridor. What we
// could not do as it asks is refused, not left undone.
func Request(m *iso20022.Pacs008, account string) (*client.PaymentRequest, *Refusal) {
	t := &m.Transfers[0]
	if r := unable(m, t, account); r != nil {
		return nil, r
	}
	debtor := Party(&t.Debtor, t.DebtorAccount, &t.DebtorAgent)
	req := &client.PaymentRequest{
		Account: account, Amount: client.Money{Currency: string(t.Amount.Currency()), Value: t.Amount.Decimal()},
		Beneficiary: Party(&t.Creditor, t.CreditorAccount, &t.CreditorAgent), Debtor: &debtor,
		Purpose: t.Purpose.Value(), Reference: Reference(t.Remittance), UETR: t.ID.UETR,
		Metadata: map[string]string{EndToEndKey: t.ID.EndToEndID},
	}
	if at, ok := Time(iso20022.When{Date: settlementDate(m)}); ok {
		req.ExecuteAt = &at
	}
	return req, nil
}

// EndToEndKey is where a payment's metadata hold the end-to-end identification of the message that it came by.
const EndToEndKey = "endToEndId"

func settlementDate(m *iso20022.Pacs008) string {
	return either(m.Transfers[0].SettlementDate, m.Header.SettlementDate)
}

// unable says what of a transfer we cannot do.
func unable(m *iso20022.Pacs008, t *iso20022.CustomerTransfer, account string) *Refusal {
	refuse := func(code, format string, args ...any) *Refusal { return &Refusal{code, fmt.Sprintf(format, args...)} }
	s := m.Header.Settlement
	number := s.Account.Number()
	owner := strings.TrimSuffix(strings.TrimPrefix(account, "customer:"), ":"+string(t.Amount.Currency()))
	switch {
	case s.Method != "INDA":
		return refuse("NARR", "SttlmMtd %s: only INDA is taken, from the instructing agent's account with us", s.Method)
	case number != "" && number != account && number != owner:
		return refuse("AC02", "SttlmAcct %s: the instructing agent's account with us is %s", number, account)
	case t.CreditorAccount.Number() == "":
		return refuse("AC03", "CdtrAcct is missing")
	case t.Intermediary1 != nil:
		return refuse("AGNT", "IntrmyAgt1: payments are paid out to the creditor's agent, not over others")
	case len(t.ForCreditorAgent) > 0:
		return refuse("NARR", "InstrForCdtrAgt: instructions for the creditor's agent cannot be handed on")
	case len(t.ForNextAgent) > 0:
		return refuse("NARR", "InstrForNxtAgt: instructions are not carried out")
	}
	return nil
}

// exchangeRate is a rate as an element of type BaseOneRate holds it: at most 11 digits, 10 of them decimal places, rounded half to even.
func exchangeRate(s string) (string, error) {
	r, err := money.ParseRate(s)
	if err != nil {
		return "", err
	}
	one, err := money.ParseRate("1")
	if err != nil {
		return "", err
	}
	whole, _, _ := strings.Cut(r.String(), ".")
	if r, err = r.Div(one, min(10, max(0, 11-len(whole)))); err != nil {
		return "", err
	}
	return r.String(), nil
}
