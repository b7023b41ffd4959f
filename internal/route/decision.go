package route

import (
	"strings"
	"time"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/money"
)

// Payment is what a route is wanted for.
type Payment struct {
	// ID decides weighted choices, so that asking again gives the same route.
	ID string
	// Amount is what the customer pays in the source currency, our fee included.
	Amount money.Amount
	// Purpose is an ISO 20022 external purpose code; empty where none was given.
	Purpose string
	// Countries are ISO 3166-1 alpha-2.
	DebtorCountry, BeneficiaryCountry string
	Metadata                          map[string]string
}

// Decision is the answer: Denied, or Routes from the best on. Skipped says why all else is no route.
type Decision struct {
	Denied  *Denial
	Routes  []Route
	Skipped []Skipped
}

// Denial refuses the payment before any provider is considered.
type Denial struct {
	// Code is one of the Denied constants.
	Code string
	// Field of the payment that is at fault; empty where none is.
	Field string
	// Rule that denied it, where one did.
	Rule   string
	Detail string
}

// The codes of denials.
const (
	DeniedDraining = "corridor-draining"
	DeniedCurrency = "currency"
	DeniedMinimum  = "amount-below-minimum"
	DeniedMaximum  = "amount-above-maximum"
	DeniedPurpose  = "purpose"
	DeniedFee      = "fee-exceeds-amount"
	DeniedRule     = "rule"
)

// Route is one way to make the payment, with what it costs.
type Route struct {
	// Provider that converts (the last of several) and pays out, Rail that it pays out on.
	Provider, Rail string
	// Quote for the principal. Its expiry is bounded by the corridor's TTL. Over several legs, it is what they come to together.
	Quote fx.Quote
	// Legs are the quotes to lock, in order, all or none; empty where Quote is the only one.
	Legs []fx.Quote
	// Fee is ours and Principal what is converted: together the payment's amount.
	Fee, Principal money.Amount
	// Received is what the beneficiary gets, in the destination currency.
	Received money.Amount
	// SpreadBps is how much worse the rate is than the reference, in basis points rounded half to even, negative where it is
	// better; Spread is the same in the destination currency, on this principal. Both are zero where there is no reference rate.
	SpreadBps int64
	Spread    money.Amount
	// Arrival is when the beneficiary is expected to have it.
	Arrival time.Time
}

// Locks are the quotes to lock for the route: all of them, or it is not taken.
func (r *Route) Locks() []fx.Quote {
	if len(r.Legs) > 0 {
		return r.Legs
	}
	return []fx.Quote{r.Quote}
}

// Skipped says why a provider, a rail, or a provider on a rail, is no route. An empty Provider or Rail means any.
type Skipped struct {
	Provider, Rail string
	// Code is one of the Skip constants; Detail is for people.
	Code, Detail string
}

// The codes of what is skipped.
const (
	SkipNoQuote       = "no-quote"
	SkipUnknown       = "provider-not-in-corridor"
	SkipDown          = "provider-down"
	SkipPair          = "wrong-pair"
	SkipExpired       = "quote-expired"
	SkipInconsistent  = "quote-inconsistent"
	SkipNoReference   = "no-reference-rate"
	SkipSpread        = "spread-above-cap"
	SkipRule          = "rule"
	SkipRailClosed    = "rail-closed"
	SkipRailCurrency  = "rail-currency"
	SkipRailMinimum   = "below-rail-minimum"
	SkipRailMaximum   = "above-rail-maximum"
	SkipNothing       = "nothing-received"
	SkipNoSecondQuote = "no-onward-quote"
)

// Why sums up in a line why there is no route: each code once, with who it befell, in the order of the corridor.
func (d *Decision) Why() string {
	if d.Denied != nil {
		return d.Denied.Detail
	}
	var b strings.Builder
	for i, s := range d.Skipped {
		if i > 0 {
			b.WriteString("; ")
		}
		switch {
		case s.Provider != "" && s.Rail != "":
			b.WriteString(s.Provider + " on " + s.Rail)
		default:
			b.WriteString(s.Provider + s.Rail)
		}
		b.WriteString(": " + s.Detail)
		if b.Len() > 1000 {
			b.WriteString(" …")
			break
		}
	}
	return b.String()
}
