package settle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
)

// The statuses of an instruction.
const (
	StatusWritten   = "Written"
	StatusDelivered = "Delivered" // handed over, not answered for good
	StatusAccepted  = "Accepted"
	StatusRejected  = "Rejected" // wholly or in part
)

// maxTransfers is the most transfers of one message, so that their numbers fit the identifications.
const maxTransfers = 9999

// message is one instruction as the netted record fixes it: one payer's, in one currency.
type message struct {
	ID       string `json:"id"`
	Payer    string `json:"payer"`
	Currency string `json:"currency"`
	Amount   string `json:"amount"`
	// First and Count are its share of the payer's payments in the currency.
	First int `json:"first,omitempty"`
	Count int `json:"count"`
	// Payments are kept for the net models; gross ones are in the ledger.
	Payments []share `json:"payments,omitempty"`
	File     string  `json:"file,omitempty"`
	Status   string  `json:"status,omitempty"`
	// Rejected are the places (from 0) of transfers that were rejected, where not all were; Reason is why.
	Rejected []int  `json:"rejected,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// share is what a payer pays one payee.
type share struct {
	Payee  string `json:"payee"`
	Amount string `json:"amount"`
}

func (m *message) final() bool { return m.Status == StatusAccepted || m.Status == StatusRejected }

// compose groups payments, which are sorted by payer and currency, into messages. scope makes their identifications unique over all
// institutions and regions that talk to the same clearing system.
func compose(scope, window string, cutOff time.Time, payments []Payment, keep bool) ([]message, error) {
	var all []message
	for i := 0; i < len(payments); {
		first := payments[i]
		n := 1
		for i+n < len(payments) && byPayer(payments[i+n], first) == 0 {
			n++
		}
		for from := 0; from < n; from += maxTransfers {
			part := payments[i+from : i+min(from+maxTransfers, n)]
			m := message{Payer: first.Payer, Currency: string(first.Amount.Currency()), First: from, Count: len(part)}
			total := money.Zero(first.Amount.Currency())
			var err error
			for _, p := range part {
				if total, err = total.Add(p.Amount); err != nil {
					return nil, fmt.Errorf("instruction of %s: %w", m.Payer, err)
				}
				if keep {
					m.Payments = append(m.Payments, share{Payee: p.Payee, Amount: p.Amount.Decimal()})
				}
			}
			m.Amount = total.Decimal()
			m.ID = messageID(scope, window, cutOff, m.Payer, m.Currency, from)
			all = append(all, m)
		}
		i += n
	}
	return all, nil
}

// messageID is the same whenever it is made, at most 30 characters that every clearing system takes.
func messageID(scope, window string, cutOff time.Time, payer, currency string, first int) string {
	sum := digest(scope, window, payer, currency, fmt.Sprint(first))
	return "QT" + cutOff.UTC().Format("20060102") + hex.EncodeToString(sum[:10])
}

func digest(parts ...string) [32]byte { return sha256.Sum256([]byte(strings.Join(parts, "\x00"))) }

// uetr makes a version 4 UUID that is the same whenever it is made for the same transfer.
func uetr(transfer string) string {
	sum := digest("uetr", transfer)
	u := uuid.UUID(sum[:16])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}

// transferID numbers a message's transfers from 1.
func transferID(message string, i int) string { return fmt.Sprintf("%s-%d", message, i+1) }

// payments are the message's, from what it keeps or from the window's gross payments.
func (m *message) payments(gross []Payment) ([]Payment, error) {
	c := money.Currency(m.Currency)
	if len(m.Payments) > 0 {
		all := make([]Payment, len(m.Payments))
		for i, s := range m.Payments {
			a, err := money.ParseAmount(s.Amount, c)
			if err != nil {
				return nil, fmt.Errorf("instruction %s: %w", m.ID, err)
			}
			all[i] = Payment{Payer: m.Payer, Payee: s.Payee, Amount: a}
		}
		return all, nil
	}
	var own []Payment
	for _, p := range gross {
		if p.Payer == m.Payer && p.Amount.Currency() == c {
			own = append(own, p)
		}
	}
	if m.First+m.Count > len(own) {
		return nil, fmt.Errorf("instruction %s: %d payments of %s in %s, want %d", m.ID, len(own), m.Payer, c, m.First+m.Count)
	}
	return own[m.First : m.First+m.Count], nil
}

// involved are the participants that the payments name, as the plan has them; unknown ones by name alone.
func involved(payments []Payment, parties map[string]plan.Participant) map[string]plan.Participant {
	all := map[string]plan.Participant{}
	for _, p := range payments {
		for _, who := range [2]string{p.Payer, p.Payee} {
			party, ok := parties[who]
			if !ok {
				party = plan.Participant{Name: who, LegalName: who}
			}
			all[who] = party
		}
	}
	return all
}
