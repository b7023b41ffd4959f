package settle

import (
	"fmt"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// isoTime is how CBPR+ wants a moment: with an offset, to the second.
const isoTime = "2006-01-02T15:04:05-07:00"

// build makes a message's pacs.009 and its business application header from what the netted record fixed, and nothing else.
func build(window string, b *windowBody, m *message, payments []Payment) (*iso20022.Pacs009, *iso20022.Header, error) {
	c := money.Currency(m.Currency)
	total, err := money.ParseAmount(m.Amount, c)
	if err != nil {
		return nil, nil, fmt.Errorf("instruction %s: %w", m.ID, err)
	}
	created := b.Closed.UTC().Format(isoTime)
	payer := b.Parties[m.Payer]
	from := agent(payer)
	doc := &iso20022.Pacs009{Header: iso20022.GroupHeader{
		MessageID: m.ID, Created: created, Count: fmt.Sprint(len(payments)), ControlSum: m.Amount, Total: total,
		SettlementDate: b.Terms.ValueDate, Settlement: iso20022.Settlement{Method: "CLRG"}, InstructingAgent: &from,
	}}
	left := total
	only := payments[0].Payee
	for i, p := range payments {
		payee := b.Parties[p.Payee]
		to := agent(payee)
		id := transferID(m.ID, i)
		doc.Transfers = append(doc.Transfers, iso20022.BankTransfer{
			ID:     iso20022.PaymentID{InstructionID: id, EndToEndID: id, TransactionID: id, UETR: uetr(id)},
			Amount: p.Amount, InstructedAgent: &to,
			Debtor: from, DebtorAccount: account(payer, c), Creditor: to, CreditorAccount: account(payee, c),
			Remittance: []string{clip("Settlement of window "+window, 140)},
		})
		if left, err = left.Sub(p.Amount); err != nil {
			return nil, nil, fmt.Errorf("instruction %s: %w", m.ID, err)
		}
		if p.Payee != only {
			only = ""
		}
	}
	if !left.IsZero() {
		return nil, nil, fmt.Errorf("instruction %s: transfers differ from its amount by %s", m.ID, left)
	}
	head := &iso20022.Header{
		From: iso20022.HeaderParty{Institution: &from}, To: receiver(b, m, only), MessageID: m.ID,
		Definition: iso20022.IDPacs009, Created: created,
	}
	return doc, head, nil
}

// receiver is whom a message is addressed to: the only payee; else the institution that settles for all; else, where it pays
// itself, the clearing of the schedule by name.
func receiver(b *windowBody, m *message, only string) iso20022.HeaderParty {
	self, ok := b.Parties[b.Self]
	switch {
	case only != "":
		a := agent(b.Parties[only])
		return iso20022.HeaderParty{Institution: &a}
	case ok && b.Self != m.Payer:
		a := agent(self)
		return iso20022.HeaderParty{Institution: &a}
	}
	return iso20022.HeaderParty{Organisation: &iso20022.Party{Name: clip("Clearing of "+b.Schedule, 140)}}
}

func agent(p plan.Participant) iso20022.Agent {
	a := iso20022.Agent{BIC: p.BIC, LEI: p.LEI}
	if p.BIC == "" {
		a.Name = clip(p.LegalName, 140)
		if p.Country != "" {
			a.Address = &iso20022.Address{Country: p.Country}
		}
	}
	return a
}

func account(p plan.Participant, c money.Currency) *iso20022.Account {
	a, ok := accountOf(p, c)
	if !ok {
		return nil
	}
	if a.IBAN != "" {
		return &iso20022.Account{IBAN: a.IBAN, Currency: c}
	}
	return &iso20022.Account{Other: a.Other, Currency: c}
}

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n])
}

// render writes both documents, indented: people read settlement files too.
func render(doc *iso20022.Pacs009, head *iso20022.Header) (document, header []byte, err error) {
	if document, err = doc.Append(nil, true); err != nil {
		return nil, nil, fmt.Errorf("pacs.009 %s: %w", doc.Header.MessageID, err)
	}
	if header, err = head.Append(nil, true); err != nil {
		return nil, nil, fmt.Errorf("header of %s: %w", doc.Header.MessageID, err)
	}
	return document, header, nil
}

// day reads a value date as the ledger keeps it: UTC midnight.
func day(s string) (time.Time, error) { return time.Parse(time.DateOnly, s) }
