package fx

import (
	"context"
	"fmt"
	"time"

	"qiantang.dev/rails/internal/money"
)

// Provider is one FX and payout provider. Implementations are safe for concurrent use, and do not retry by themselves.
type Provider interface {
	// Quote asks the price of converting. Errors are *Error.
	Quote(ctx context.Context, q QuoteRequest) (Quote, error)
	// Lock makes the provider hold the quote's rate. Providers whose quotes are firm return the quote as it is.
	Lock(ctx context.Context, q Quote) (Quote, error)
	// Pay instructs conversion (where the quote has two currencies) and payout. An *Error with Outcome Unknown means that it may
	// have been taken: Query must find out, and Pay must never be sent again for it with another ID.
	Pay(ctx context.Context, i Instruction) (Status, error)
	// Query finds what became of an instruction by our ID. A Status with Outcome NotFound means that the provider never took it.
	Query(ctx context.Context, i Instruction) (Status, error)
}

// QuoteRequest asks for a price. Exactly one of Sell and Buy has an amount; both have a currency.
type QuoteRequest struct {
	Sell, Buy money.Amount
	// Latest is the latest expiry that the caller will honour.
	Latest time.Time
}

// Quote is a provider's price.
type Quote struct {
	Provider string
	// ID is the provider's; empty for indicative quotes.
	ID        string
	Sell, Buy money.Amount
	// Rate is Buy's currency per one of Sell's.
	Rate money.Rate
	// Fee is what the provider takes beside the rate, in Sell's currency.
	Fee     money.Amount
	Expires time.Time
	// Guaranteed quotes are firm until Expires.
	Guaranteed bool
	// Reusable says that the rate holds for any amount of the pair until Expires, so that the quote may be cached and priced anew.
	Reusable bool
}

// Instruction tells a provider to pay. ID is ours, unique for ever: the provider's idempotency key.
type Instruction struct {
	ID          string
	Quote       Quote
	Rail        string // the rail's system, such as CIPS
	Beneficiary Party
	Debtor      Party
	Purpose     string
	Remittance  string
	// UETR of the payment.
	UETR string
	// ProviderRef is what the provider called it, once known.
	ProviderRef string
}

// Party is a payer or beneficiary.
type Party struct {
	Name    string
	Country string
	// Account is an IBAN or other number; AgentBIC the bank; CNAPS the Chinese bank code, where there is one.
	Account  string
	AgentBIC string
	CNAPS    string
	// Town and Street for structured addresses.
	Town, Street, PostCode string
}

// Outcome is what is known of an instruction.
type Outcome string

// The outcomes. Only Succeeded, Failed and NotFound are known for good; Failed and NotFound mean that no money moved.
const (
	Pending   Outcome = "pending"
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
	Unknown   Outcome = "unknown"
	NotFound  Outcome = "notFound"
)

// Status is a provider's word on an instruction.
type Status struct {
	Outcome     Outcome
	ProviderRef string
	// Code and Message are the provider's own.
	Code, Message string
	// Paid is what the beneficiary gets, once Succeeded.
	Paid money.Amount
}

// Class says what may be done after an error.
type Class string

// The classes of Error.
const (
	// Final: the provider refused for good; another provider may be asked.
	Final Class = "final"
	// Retryable: nothing was done; the same may be asked again.
	Retryable Class = "retryable"
	// Uncertain: it may have been done; Query first.
	Uncertain Class = "uncertain"
)

// Error is a provider's failure, classified once, at the border.
type Error struct {
	Provider string
	Op       string // quote, lock, pay, query
	Class    Class
	// Code is the provider's own, or timeout, transport, circuit-open, rate-limited, busy, malformed, http-503 ….
	Code string
	Err  error
}

func (e *Error) Error() string {
	return fmt.Sprintf("provider %s: %s: %s (%s): %v", e.Provider, e.Op, e.Code, e.Class, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
