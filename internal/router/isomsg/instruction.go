package isomsg

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/pkg/client"
)

// Instruction is what is needed to write the pacs.008 that a payment's instruction is.
type Instruction struct {
	Payment *client.Payment
	// ID is the instruction's, as the provider was given it.
	ID string
	// Between us and the provider's participant.
	Between
	// Holder is the BIC of the participant that holds the debtor's money: the debtor's agent where no message said another.
	Holder string
	// Received is the pacs.008 that the payment came by; nil where it came otherwise.
	Received *iso20022.Pacs008
	// Sender is its instructing agent.
	Sender string
	// IBAN says that the beneficiary's account is one.
	IBAN bool
}

// UnwritableError says why a payment cannot be written as a message.
type UnwritableError struct {
	Message string
	// Where is the element, What is wrong with it.
	Where, What string
}

func (e *UnwritableError) Error() string { return e.Message + ": " + e.Where + ": " + e.What }

// Pacs008 is the instruction as a message: the provider's participant is to pay what the route says that the beneficiary receives, out of
// our position with it (INDA). What a pacs.008 brought goes on, with its sender as previous instructing agent and our fee as a charge.
func (in *Instruction) Pacs008() (*iso20022.Pacs008, error) {
	p, route := in.Payment, in.Payment.Route
	if route == nil {
		return nil, unwritable("CdtTrfTxInf", "the payment is %s and has not been instructed", p.Status)
	}
	received, err := amount(route.Received)
	if err != nil {
		return nil, err
	}
	t := in.transfer()
	t.ID.InstructionID, t.ID.TransactionID, t.ID.UETR = in.ID, strings.ReplaceAll(p.ID, "-", ""), p.UETR
	t.Amount, t.SettlementDate = received, in.day()
	t.InstructingAgent, t.InstructedAgent = agent(in.From), agent(in.To)
	t.ExchangeRate = ""
	if t.InstructedAmount.Currency() != received.Currency() {
		if t.ExchangeRate, err = exchangeRate(route.Rate); err != nil {
			return nil, unwritable("CdtTrfTxInf/XchgRate", "%v", err)
		}
	}
	fee, err := amount(route.Fee)
	if err != nil {
		return nil, err
	}
	if !fee.IsZero() || t.ChargeBearer == "CRED" {
		t.Charges = append(slices.Clone(t.Charges), iso20022.Charge{Amount: fee, Agent: *agent(in.From)})
	}
	m := &iso20022.Pacs008{
		Header: iso20022.GroupHeader{
			MessageID: in.ID, Created: Moment(in.started()), Count: "1", Settlement: iso20022.Settlement{Method: "INDA"},
		},
		Transfers: []iso20022.CustomerTransfer{*t},
	}
	return m, breach(iso20022.IDPacs008, cbpr.CheckPacs008(m))
}

// transfer is what is known of the two ends, from the message received or else from the payment.
func (in *Instruction) transfer() *iso20022.CustomerTransfer {
	if in.Received == nil {
		return in.own()
	}
	t := in.Received.Transfers[0]
	if t.InstructedAmount.Currency() == "" {
		t.InstructedAmount = t.Amount
	}
	t.ID.ClearingRef, t.Priority = "", ""
	if !SameBIC(in.Sender, t.DebtorAgent.BIC) {
		for _, place := range []**iso20022.Agent{&t.PreviousInstructing1, &t.PreviousInstructing2, &t.PreviousInstructing3} {
			if *place == nil {
				*place = agent(in.Sender)
				break
			}
		}
	}
	return &t
}

func (in *Instruction) own() *iso20022.CustomerTransfer {
	p := in.Payment
	t := &iso20022.CustomerTransfer{
		ChargeBearer: "SHAR", DebtorAgent: *agent(in.Holder),
		Debtor: iso20022.Party{Name: ownerOf(p.Account)}, DebtorAccount: &iso20022.Account{Other: p.Account},
		Creditor: party(&p.Beneficiary), CreditorAccount: &iso20022.Account{Other: p.Beneficiary.Account}, CreditorAgent: agentOf(&p.Beneficiary),
	}
	if in.IBAN {
		t.CreditorAccount = &iso20022.Account{IBAN: p.Beneficiary.Account}
	}
	if d := p.Debtor; d != nil {
		t.Debtor = party(d)
		if d.Account != "" {
			t.DebtorAccount = &iso20022.Account{Other: d.Account}
		}
		if d.AgentBIC != "" || d.CNAPS != "" {
			t.DebtorAgent = agentOf(d)
		}
	}
	t.ID.EndToEndID = in.EndToEndID()
	if a, err := amount(p.Amount); err == nil {
		t.InstructedAmount = a
	}
	if p.Purpose != "" {
		t.Purpose = &iso20022.Code{Code: p.Purpose}
	}
	if p.Reference != "" {
		t.Remittance = &iso20022.Remittance{Unstructured: []string{p.Reference}}
	}
	return t
}

// EndToEndID is what the payment's metadata have for one, where CBPR+ takes it.
func (in *Instruction) EndToEndID() string {
	if id := in.Payment.Metadata[EndToEndKey]; plain(id) {
		return id
	}
	return "NOTPROVIDED"
}

func ownerOf(account string) string {
	owner := strings.TrimPrefix(account, "customer:")
	if i := strings.LastIndexByte(owner, ':'); i >= 0 {
		owner = owner[:i]
	}
	return owner
}

// party has an address where there is a town: without one it would be unstructured.
func party(p *client.Party) iso20022.Party {
	out := iso20022.Party{Name: p.Name}
	if p.Town == "" {
		out.CountryResidence = p.Country
		return out
	}
	out.Address = &iso20022.Address{Street: p.Street, PostCode: p.PostCode, Town: p.Town, Country: p.Country}
	return out
}

func agentOf(p *client.Party) iso20022.Agent {
	a := iso20022.Agent{BIC: p.AgentBIC}
	if p.CNAPS != "" {
		a.ClearingCode, a.Member = "CNAPS", p.CNAPS
	}
	return a
}

// started is when the payment was accepted, or was to be executed.
func (in *Instruction) started() time.Time {
	if at := in.Payment.ExecuteAt; at != nil && at.After(in.Payment.Created) {
		return *at
	}
	return in.Payment.Created
}

// day is when the beneficiary's bank is expected to have the money.
func (in *Instruction) day() string {
	if at := in.Payment.Route.Arrival; at != nil {
		return at.UTC().Format(time.DateOnly)
	}
	return in.started().UTC().Format(time.DateOnly)
}

func amount(m client.Money) (money.Amount, error) {
	c, err := money.ParseCurrency(m.Currency)
	if err != nil {
		return money.Amount{}, err
	}
	return money.ParseAmount(m.Value, c)
}

func unwritable(where, format string, args ...any) error {
	return &UnwritableError{Message: iso20022.IDPacs008, Where: where, What: fmt.Sprintf(format, args...)}
}

// breach is the first rule that a message of ours breaks.
func breach(message string, found []cbpr.Violation) error {
	if len(found) == 0 {
		return nil
	}
	v := found[0]
	what := v.Rule
	if v.Value != "" {
		what = fmt.Sprintf("%q: %s", v.Value, v.Rule)
	}
	return &UnwritableError{Message: message, Where: v.Path, What: what}
}
