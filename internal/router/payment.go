package router

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/pkg/client"
)

// Kinds of the records that the router keeps.
const (
	kindPayment     = "payment"
	kindConversion  = "conversion" // a payment to the owner's own account in another currency
	kindIdempotency = "idempotency"
)

// payment is a payment as the router keeps it: the record's body. State, corridor and due time are the record's own.
type payment struct {
	ID       uuid.UUID `json:"id"`
	UETR     uuid.UUID `json:"uetr"`
	Key      string    `json:"key"`
	Corridor string    `json:"corridor"`
	// Generation of the corridor that accepted it.
	Generation int64 `json:"generation"`
	// Names says how the IDs of its lines are made: see line.
	Names       int    `json:"names,omitempty"`
	Account     string `json:"account"`
	Owner       string `json:"owner,omitempty"`
	Participant string `json:"participant,omitempty"` // holds the customer's money
	Schedule    string `json:"schedule,omitempty"`    // settles it
	// To is the account that a conversion credits, and ToParticipant holds that account's money; empty for payments.
	To            string            `json:"to,omitempty"`
	ToParticipant string            `json:"toParticipant,omitempty"`
	Amount        sum               `json:"amount"`
	Beneficiary   client.Party      `json:"beneficiary"`
	Debtor        *client.Party     `json:"debtor,omitempty"`
	Purpose       string            `json:"purpose,omitempty"`
	Reference     string            `json:"reference,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	ExecuteAt     *time.Time        `json:"executeAt,omitempty"`

	// Route is the one now tried or taken; Attempt counts them, and with ID makes the instruction's ID.
	Route   *taken `json:"route,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
	// Leg counts the legs of Route that are done.
	Leg int `json:"leg,omitempty"`
	// Failed are the providers that refused it for good.
	Failed []string `json:"failed,omitempty"`
	// Sent says that the present instruction may have reached the provider.
	Sent        bool   `json:"sent,omitempty"`
	ProviderRef string `json:"providerRef,omitempty"`
	// Holder is the replica with the lease; Tries counts steps without progress, for the back-off.
	Holder string `json:"holder,omitempty"`
	Tries  int    `json:"tries,omitempty"`
	// Parked says that nobody has it in memory although its Due lies ahead.
	Parked bool `json:"parked,omitempty"`

	Reason *client.Reason `json:"reason,omitempty"`
	Window string         `json:"window,omitempty"`
	// Refunded is how much of Amount was given back so far.
	Refunded sum       `json:"refunded,omitzero"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`

	state   State
	version int64
	// kept are records made with the payment, accepted or refused; claims those made with it where it is accepted.
	kept, claims []ledger.Put
}

// taken is the route of a payment, with all that its bookings and its instruction need, whatever becomes of the configuration.
type taken struct {
	Provider    string     `json:"provider"`
	Rail        string     `json:"rail"`
	System      string     `json:"system,omitempty"`
	Participant string     `json:"participant,omitempty"` // the provider settles as
	QuoteID     string     `json:"quote,omitempty"`
	Rate        money.Rate `json:"rate"`
	Reference   money.Rate `json:"reference,omitzero"`
	QuoteSell   sum        `json:"quoteSell,omitzero"`
	QuoteBuy    sum        `json:"quoteBuy,omitzero"`
	QuoteFee    sum        `json:"quoteFee,omitzero"`
	Fee         sum        `json:"fee"`
	Principal   sum        `json:"principal"`
	Received    sum        `json:"received"`
	Spread      sum        `json:"spread"`
	SpreadBps   int64      `json:"spreadBps"`
	Guaranteed  bool       `json:"guaranteed,omitempty"`
	Expires     time.Time  `json:"expires"`
	Arrival     time.Time  `json:"arrival,omitzero"`
	// Legs are there where the way is by another currency: the last is Provider's, and Rate, Reference and Spread are the whole way's.
	Legs []leg `json:"legs,omitempty"`
}

// sum is an Amount that JSON carries as text, "1250.00 USD"; it may be negative.
type sum struct{ money.Amount }

// IsZero makes omitzero leave out sums in no currency.
func (s sum) IsZero() bool { return s.Currency() == "" }

// MarshalText writes the amount and its currency.
func (s sum) MarshalText() ([]byte, error) {
	if s.IsZero() {
		return nil, nil
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *sum) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*s = sum{}
		return nil
	}
	number, code, ok := strings.Cut(string(b), " ")
	if !ok {
		return &money.ParseError{What: "sum", Value: string(b), Why: "want a number and a currency"}
	}
	positive, negative := strings.CutPrefix(number, "-")
	a, err := money.ParseAmount(positive, money.Currency(code))
	if err != nil {
		return err
	}
	if negative {
		a = a.Neg()
	}
	s.Amount = a
	return nil
}

func (s sum) wire() client.Money {
	return client.Money{Currency: string(s.Currency()), Value: s.Decimal()}
}

// bareID is the payment's ID where hyphens have no room.
func (p *payment) bareID() string { return hex.EncodeToString(p.ID[:]) }

// instructionID is the provider's idempotency key: at most 35 characters, as ISO 20022 identifications are. An exchange's is not its payout's.
func (p *payment) instructionID() string {
	mark := "-"
	if p.exchanging() {
		mark = exchangeMark
	}
	return fmt.Sprintf("%s%s%d", p.bareID(), mark, p.Attempt)
}

const exchangeMark = "x"

// instruction is what the provider is told, the same at every sending of one attempt.
func (p *payment) instruction() fx.Instruction {
	r := p.Route
	quote := fx.Quote{
		Provider: r.Provider, ID: r.QuoteID, Sell: r.QuoteSell.Amount, Buy: r.QuoteBuy.Amount, Rate: r.Rate,
		Fee: r.QuoteFee.Amount, Expires: r.Expires, Guaranteed: r.Guaranteed,
	}
	if p.Leg < len(r.Legs) {
		quote = r.Legs[p.Leg].quote()
	}
	return fx.Instruction{
		ID: p.instructionID(), Quote: quote, Rail: r.System,
		Beneficiary: fxParty(&p.Beneficiary), Debtor: p.debtor(),
		Purpose: p.Purpose, Remittance: p.Reference, UETR: p.UETR.String(), ProviderRef: p.ProviderRef,
	}
}

// debtor is who pays: the account's owner, where the request named no other.
func (p *payment) debtor() fx.Party {
	if p.Debtor == nil {
		return fx.Party{Name: p.Owner, Account: p.Account}
	}
	return fxParty(p.Debtor)
}

func fxParty(p *client.Party) fx.Party {
	return fx.Party{
		Name: p.Name, Country: p.Country, Account: p.Account, AgentBIC: p.AgentBIC, CNAPS: p.CNAPS,
		Town: p.Town, Street: p.Street, PostCode: p.PostCode,
	}
}

// kind is the payment's record's, and what its reserve is booked as.
func (p *payment) kind() string {
	if p.To != "" {
		return kindConversion
	}
	return kindPayment
}

// put is the payment's record, to be written over the version that p was read at.
func (p *payment) put(due time.Time) (ledger.Put, error) {
	body, err := p.encode()
	if err != nil {
		return ledger.Put{}, fmt.Errorf("payment %s: %w", p.ID, err)
	}
	return ledger.Put{
		Kind: p.kind(), Key: p.ID.String(), Expect: p.version,
		State: string(p.state), Group: p.Corridor, Due: due, Body: body,
	}, nil
}

// decodePayment reads a record that put wrote.
func decodePayment(r ledger.Record) (*payment, error) {
	p := new(payment)
	if err := json.Unmarshal(r.Body, p); err != nil {
		return nil, fmt.Errorf("payment record %s: %w", r.Key, err)
	}
	p.state, p.version = State(r.State), r.Version
	return p, nil
}

// clone is a copy that may be moved along the table while p stays as it is on record.
func (p *payment) clone() *payment {
	c := *p
	if p.Route != nil {
		r := *p.Route
		r.Legs = slices.Clone(r.Legs)
		c.Route = &r
	}
	c.Failed = append([]string(nil), p.Failed...)
	return &c
}

// wire is the payment as clients see it.
func (p *payment) wire() *client.Payment {
	w := &client.Payment{
		ID: p.ID.String(), UETR: p.UETR.String(), Status: p.state, Corridor: p.Corridor, Account: p.Account, Amount: p.Amount.wire(),
		Beneficiary: p.Beneficiary, Debtor: p.Debtor, Purpose: p.Purpose, Reference: p.Reference, Metadata: p.Metadata,
		Attempt: p.Attempt, Reason: p.Reason, Window: p.Window, ProviderRef: p.ProviderRef, ExecuteAt: p.ExecuteAt,
		Created: p.Created, Updated: p.Updated,
	}
	if !p.Refunded.IsZero() {
		m := p.Refunded.wire()
		w.Refunded = &m
	}
	if p.Route != nil {
		w.Route = p.Route.wire()
	}
	return w
}

func (t *taken) wire() *client.Route {
	w := &client.Route{
		Provider: t.Provider, Rail: t.Rail, Rate: t.Rate.String(), Fee: t.Fee.wire(), Principal: t.Principal.wire(),
		Received: t.Received.wire(), Spread: t.Spread.wire(), SpreadBps: t.SpreadBps, Expires: t.Expires, Guaranteed: t.Guaranteed,
	}
	if !t.Reference.IsZero() {
		w.Reference = t.Reference.String()
	}
	if !t.Arrival.IsZero() {
		w.Arrival = &t.Arrival
	}
	w.Legs = t.wireLegs()
	return w
}

func (t *taken) wireLegs() []client.Leg {
	var out []client.Leg
	for i := range t.Legs {
		out = append(out, t.Legs[i].wire())
	}
	return out
}
