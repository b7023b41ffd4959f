package rules

import (
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/govalues/decimal"

	"qiantang.dev/rails/internal/money"
)

// Input is what a rule sees. The candidate's part may be empty where only payment and time are asked about.
type Input struct {
	PaymentID, Purpose                string
	DebtorCountry, BeneficiaryCountry string
	Amount                            money.Amount
	Metadata                          map[string]string
	Now                               time.Time
	Rate                              money.Rate
	// Received is in minor units of the destination currency, which has Digits decimal places.
	Received    int64
	Digits      int
	ProviderFee money.Amount
	SpreadBps   int64
	Guaranteed  bool
	// SuccessBps is the provider's share of successes of late, in basis points.
	SuccessBps int64
	// Provider and Rail are shared with the plan, so that setting them for each candidate is cheap.
	Provider *Provider
	Rail     *Rail
}

// Provider is what rules see of a provider.
type Provider struct{ Name, Adapter, Participant string }

// Rail is what rules see of a rail.
type Rail struct {
	Name, System, Country, Currency, Finality string
	Expected                                  time.Duration
}

// Scope is a set of what an expression looks at.
type Scope uint8

// The scopes. Provider and rail facts are those of the plan; a provider's success is in Quotes, since it changes as quotes do.
const (
	Payments Scope = 1 << iota
	Times
	Quotes
	Providers
	Rails
)

// Candidate are the scopes that differ between candidates of one choice.
const Candidate = Quotes | Providers | Rails

// variable is one name of the vocabulary: its type, its scope, and how to read it. Exactly one reader is set.
type variable struct {
	name  string
	scope Scope
	doc   string
	str   func(*Input) string
	num   func(*Input) int64
	yes   func(*Input) bool
	dec   func(*Input) decimal.Decimal
	at    func(*Input) time.Time
	span  func(*Input) time.Duration
	pairs func(*Input) map[string]string
}

// vocabulary is every variable that a rule may name. docs/routing.md lists it.
var vocabulary = []variable{
	{name: "payment.id", scope: Payments, doc: "the payment's identity", str: func(in *Input) string { return in.PaymentID }},
	{name: "payment.amount", scope: Payments, doc: "what the customer pays, fee included", dec: func(in *Input) decimal.Decimal { return fromAmount(in.Amount) }},
	{name: "payment.currency", scope: Payments, doc: "the amount's currency", str: func(in *Input) string { return string(in.Amount.Currency()) }},
	{name: "payment.purpose", scope: Payments, doc: "ISO 20022 external purpose code", str: func(in *Input) string { return in.Purpose }},
	{name: "payment.debtor.country", scope: Payments, doc: "the country of the debtor whom the request, or the message, names; else empty", str: func(in *Input) string { return in.DebtorCountry }},
	{name: "payment.beneficiary.country", scope: Payments, doc: "the beneficiary's country", str: func(in *Input) string { return in.BeneficiaryCountry }},
	{name: "payment.metadata", scope: Payments, doc: "what the client sent along", pairs: func(in *Input) map[string]string { return in.Metadata }},
	{name: "now", scope: Times, doc: "when the route is chosen", at: func(in *Input) time.Time { return in.Now }},
	{name: "quote.rate", scope: Quotes, doc: "destination currency per one of the source's", dec: func(in *Input) decimal.Decimal { return fromRate(in.Rate) }},
	{name: "quote.received", scope: Quotes, doc: "what the beneficiary gets", dec: func(in *Input) decimal.Decimal { return fromMinor(in.Received, in.Digits) }},
	{name: "quote.fee", scope: Quotes, doc: "what the provider takes beside the rate", dec: func(in *Input) decimal.Decimal { return fromAmount(in.ProviderFee) }},
	{name: "quote.spreadBps", scope: Quotes, doc: "how much worse than the reference rate, in basis points", num: func(in *Input) int64 { return in.SpreadBps }},
	{name: "quote.guaranteed", scope: Quotes, doc: "firm until it expires", yes: func(in *Input) bool { return in.Guaranteed }},
	{name: "provider.name", scope: Providers, doc: "the FXProvider", str: func(in *Input) string { return in.provider().Name }},
	{name: "provider.adapter", scope: Providers, doc: "its adapter", str: func(in *Input) string { return in.provider().Adapter }},
	{name: "provider.participant", scope: Providers, doc: "whom it settles as", str: func(in *Input) string { return in.provider().Participant }},
	{name: "provider.successBps", scope: Quotes, doc: "its successes of late, in basis points", num: func(in *Input) int64 { return in.SuccessBps }},
	{name: "rail.name", scope: Rails, doc: "the PaymentRail", str: func(in *Input) string { return in.rail().Name }},
	{name: "rail.system", scope: Rails, doc: "its clearing system", str: func(in *Input) string { return in.rail().System }},
	{name: "rail.country", scope: Rails, doc: "its country", str: func(in *Input) string { return in.rail().Country }},
	{name: "rail.currency", scope: Rails, doc: "its currency", str: func(in *Input) string { return in.rail().Currency }},
	{name: "rail.finality", scope: Rails, doc: "Immediate or Deferred", str: func(in *Input) string { return in.rail().Finality }},
	{name: "rail.expected", scope: Rails, doc: "time to the beneficiary's account", span: func(in *Input) time.Duration { return in.rail().Expected }},
}

var byName = func() map[string]*variable {
	m := make(map[string]*variable, len(vocabulary))
	for i := range vocabulary {
		m[vocabulary[i].name] = &vocabulary[i]
	}
	return m
}()

func (v *variable) celType() *cel.Type {
	switch {
	case v.str != nil:
		return cel.StringType
	case v.num != nil:
		return cel.IntType
	case v.yes != nil:
		return cel.BoolType
	case v.dec != nil:
		return decimalType
	case v.at != nil:
		return cel.TimestampType
	case v.span != nil:
		return cel.DurationType
	default:
		return cel.MapType(cel.StringType, cel.StringType)
	}
}

// ResolveName gives cel-go a variable's value, so that an Input is an activation.
func (in *Input) ResolveName(name string) (any, bool) {
	v, ok := byName[name]
	if !ok {
		return nil, false
	}
	switch {
	case v.str != nil:
		return types.String(v.str(in)), true
	case v.num != nil:
		return types.Int(v.num(in)), true
	case v.yes != nil:
		return types.Bool(v.yes(in)), true
	case v.dec != nil:
		return decimalValue{v.dec(in)}, true
	case v.at != nil:
		return types.Timestamp{Time: v.at(in).UTC()}, true
	case v.span != nil:
		return types.Duration{Duration: v.span(in)}, true
	default:
		return v.pairs(in), true
	}
}

var (
	noProvider Provider
	noRail     Rail
)

func (in *Input) provider() *Provider {
	if in.Provider == nil {
		return &noProvider
	}
	return in.Provider
}

func (in *Input) rail() *Rail {
	if in.Rail == nil {
		return &noRail
	}
	return in.Rail
}

// Parent is none.
func (in *Input) Parent() cel.Activation { return nil }
