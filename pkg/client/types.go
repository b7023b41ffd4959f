package client

import "time"

// Status is where a payment stands; the states are those of docs/payments.md.
type Status string

// The states of a payment. Settled, Rejected, Cancelled and Returned are final; so is Paid on a corridor without a settlement
// schedule.
const (
	Accepted    Status = "accepted"
	Instructing Status = "instructing"
	Exchanged   Status = "exchanged"
	Pending     Status = "pending"
	Uncertain   Status = "uncertain"
	Paid        Status = "paid"
	Settled     Status = "settled"
	Rejected    Status = "rejected"
	Cancelled   Status = "cancelled"
	Returned    Status = "returned"
)

// Money is an amount in a currency: a plain decimal with at most as many places as the currency has.
type Money struct {
	Currency string `json:"currency" doc:"ISO 4217 code" example:"USD" minLength:"3" maxLength:"3"`
	Value    string `json:"value" doc:"Plain decimal, no sign, no exponent" example:"1250.00" maxLength:"20"`
}

// Party is who is paid.
type Party struct {
	Name     string `json:"name" doc:"As the bank knows it" maxLength:"140"`
	Country  string `json:"country" doc:"ISO 3166-1 alpha-2" example:"CN" minLength:"2" maxLength:"2"`
	Account  string `json:"account" doc:"IBAN or other account number" maxLength:"34"`
	AgentBIC string `json:"agentBic,omitempty" doc:"BIC of the bank that holds the account" maxLength:"11"`
	CNAPS    string `json:"cnaps,omitempty" doc:"Chinese bank code, 12 digits" maxLength:"12"`
	Town     string `json:"town,omitempty" maxLength:"35"`
	Street   string `json:"street,omitempty" maxLength:"70"`
	PostCode string `json:"postCode,omitempty" maxLength:"16"`
}

// PaymentRequest asks for a payment. Amount is in the corridor's source currency and includes the fee.
type PaymentRequest struct {
	Corridor    string            `json:"corridor" doc:"Name of the PaymentCorridor" example:"us-cn" maxLength:"63"`
	Account     string            `json:"account" doc:"Account to debit" example:"customer:acme:USD" maxLength:"128"`
	Amount      Money             `json:"amount" doc:"To debit, fee included, in the corridor's source currency"`
	Beneficiary Party             `json:"beneficiary"`
	Debtor      *Party            `json:"debtor,omitempty" doc:"Who pays, where that is not the account's owner; the account may be left out"`
	Purpose     string            `json:"purpose,omitempty" doc:"ISO 20022 external purpose code" example:"GDDS" maxLength:"4"`
	Reference   string            `json:"reference,omitempty" doc:"For the beneficiary: unstructured remittance information" maxLength:"140"`
	Metadata    map[string]string `json:"metadata,omitempty" doc:"Yours, returned as given; at most 20 entries"`
	UETR        string            `json:"uetr,omitempty" doc:"Yours, where the payment has one already: a UUID of version 4" maxLength:"36"`
	// ExecuteAt, where set, is the earliest time of instruction; until then the payment may be cancelled.
	ExecuteAt *time.Time `json:"executeAt,omitempty" doc:"Earliest time to instruct; at most 30 days ahead"`
}

// Route is how a payment is or would be paid out, with its whole cost.
type Route struct {
	Provider  string `json:"provider"`
	Rail      string `json:"rail"`
	Rate      string `json:"rate" doc:"Destination currency per one of source"`
	Reference string `json:"referenceRate,omitempty" doc:"Market reference at the time of choosing"`
	Fee       Money  `json:"fee" doc:"Ours, in the source currency"`
	Principal Money  `json:"principal" doc:"Converted: amount less fee"`
	Received  Money  `json:"received" doc:"What the beneficiary gets"`
	// Spread is what the provider's rate costs against the reference; negative where it is better.
	Spread     Money      `json:"spread" doc:"Cost against the reference rate, in the destination currency; negative where better"`
	SpreadBps  int64      `json:"spreadBps"`
	Expires    time.Time  `json:"expires" doc:"The rate holds until then"`
	Guaranteed bool       `json:"guaranteed" doc:"Whether the provider's quote is firm"`
	Arrival    *time.Time `json:"arrival,omitempty" doc:"Expected at the beneficiary"`
	Legs       []Leg      `json:"legs,omitempty" doc:"Where the way is by another currency: its conversions in order; the provider of the last pays out"`
}

// Leg is one conversion of a route by way of another currency.
type Leg struct {
	Provider      string     `json:"provider"`
	Sell          Money      `json:"sell"`
	Buy           Money      `json:"buy"`
	Rate          string     `json:"rate" doc:"The bought currency per one of the sold"`
	ReferenceRate string     `json:"referenceRate,omitempty"`
	Spread        Money      `json:"spread" doc:"Cost against the reference rate of this leg's pair, in the bought currency; negative where better"`
	Expires       time.Time  `json:"expires" doc:"The rate holds until then"`
	Done          *time.Time `json:"done,omitempty" doc:"When the exchange was done; of legs before the last"`
	Reference     string     `json:"providerReference,omitempty"`
}

// Skipped is a route not taken, and why.
type Skipped struct {
	Provider string `json:"provider"`
	Rail     string `json:"rail,omitempty"`
	Code     string `json:"code"`
	Detail   string `json:"detail,omitempty"`
}

// Reason says why a payment did not go through.
type Reason struct {
	Code   string `json:"code" example:"insufficient-funds"`
	Detail string `json:"detail"`
}

// Payment is a payment as it stands.
type Payment struct {
	ID          string            `json:"id"`
	UETR        string            `json:"uetr" doc:"Unique end-to-end transaction reference"`
	Status      Status            `json:"status"`
	Corridor    string            `json:"corridor"`
	Account     string            `json:"account"`
	Amount      Money             `json:"amount"`
	Beneficiary Party             `json:"beneficiary"`
	Debtor      *Party            `json:"debtor,omitempty" doc:"Who pays, where that is not the account's owner"`
	Purpose     string            `json:"purpose,omitempty"`
	Reference   string            `json:"reference,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Route       *Route            `json:"route,omitempty" doc:"Absent until one is chosen"`
	Attempt     int               `json:"attempt,omitempty" doc:"1 for the first route, one more with each failover"`
	Reason      *Reason           `json:"reason,omitempty" doc:"Why it was rejected, cancelled or returned, or what it waits for"`
	Window      string            `json:"window,omitempty" doc:"Settlement window, once paid"`
	Refunded    *Money            `json:"refunded,omitempty" doc:"How much of the amount was given back by refunds"`
	ProviderRef string            `json:"providerReference,omitempty"`
	ExecuteAt   *time.Time        `json:"executeAt,omitempty"`
	Created     time.Time         `json:"created"`
	Updated     time.Time         `json:"updated"`
}

// WebhookEvent is the body of what webhooks are sent: a payment as it was after a step. Its Type is "payment." and the step: accepted,
// instructing, exchanged, paid, rejected, cancelled, returned, refunded.
type WebhookEvent struct {
	Type      string    `json:"type" example:"payment.paid"`
	Timestamp time.Time `json:"timestamp"`
	Data      Payment   `json:"data"`
}

// PaymentList is a page of payments, oldest first.
type PaymentList struct {
	Payments []Payment `json:"payments"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next,omitempty"`
}

// ConversionRequest asks to convert a customer's own money into the same owner's account in the currency that the corridor converts into.
type ConversionRequest struct {
	Corridor  string            `json:"corridor" doc:"Name of a PaymentCorridor with use Conversions" example:"usd-cny" maxLength:"63"`
	Account   string            `json:"account" doc:"Account to debit; its owner's account in the corridor's destination currency is credited" example:"customer:acme:USD" maxLength:"128"`
	Amount    Money             `json:"amount" doc:"To debit, fee included, in the corridor's source currency"`
	Reference string            `json:"reference,omitempty" doc:"Yours, returned as given" maxLength:"140"`
	Metadata  map[string]string `json:"metadata,omitempty" doc:"Yours, returned as given; at most 20 entries"`
}

// Conversion is a conversion as it stands. Its states are a payment's; paid says that To was credited with what its route received.
type Conversion struct {
	ID          string            `json:"id"`
	Status      Status            `json:"status"`
	Corridor    string            `json:"corridor"`
	Account     string            `json:"account"`
	To          string            `json:"to" doc:"Account that is credited" example:"customer:acme:CNY"`
	Amount      Money             `json:"amount"`
	Reference   string            `json:"reference,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Route       *Route            `json:"route,omitempty" doc:"Absent until one is chosen; its rail is own-account"`
	Attempt     int               `json:"attempt,omitempty" doc:"1 for the first route, one more with each failover"`
	Reason      *Reason           `json:"reason,omitempty" doc:"Why it was rejected or cancelled, or what it waits for"`
	Window      string            `json:"window,omitempty" doc:"Settlement window, once paid"`
	ProviderRef string            `json:"providerReference,omitempty"`
	Created     time.Time         `json:"created"`
	Updated     time.Time         `json:"updated"`
}

// ConversionList is a page of conversions, oldest first.
type ConversionList struct {
	Conversions []Conversion `json:"conversions"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next,omitempty"`
}

// ConversionEvent is the body of what webhooks are sent of conversions: as WebhookEvent, with a Type of "conversion." and the step.
type ConversionEvent struct {
	Type      string     `json:"type" example:"conversion.paid"`
	Timestamp time.Time  `json:"timestamp"`
	Data      Conversion `json:"data"`
}

// QuoteRequest asks what a payment would cost, without making it.
type QuoteRequest struct {
	Corridor string            `json:"corridor" example:"us-cn" maxLength:"63"`
	Amount   Money             `json:"amount" doc:"Fee included, in the corridor's source currency"`
	Purpose  string            `json:"purpose,omitempty" maxLength:"4"`
	Country  string            `json:"beneficiaryCountry,omitempty" doc:"Default: the corridor's destination" maxLength:"2"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Quote lists the routes, best first, and why others are not taken.
type Quote struct {
	Corridor string    `json:"corridor"`
	Amount   Money     `json:"amount"`
	Routes   []Route   `json:"routes"`
	Skipped  []Skipped `json:"skipped,omitempty"`
	Denied   *Reason   `json:"denied,omitempty" doc:"A payment like this would be refused, and why"`
}

// RefundRequest asks that part of a paid payment be given back.
type RefundRequest struct {
	Amount    Money  `json:"amount" doc:"What the account gets back, fee included, in the payment's currency"`
	Reference string `json:"reference,omitempty" maxLength:"140"`
}

// Refund is what was given back of a payment: the same share of everything in it.
type Refund struct {
	ID        string    `json:"id"`
	Payment   string    `json:"payment"`
	Amount    Money     `json:"amount" doc:"What the account got back: fee and principal"`
	Fee       Money     `json:"fee"`
	Principal Money     `json:"principal"`
	Received  Money     `json:"received" doc:"What the beneficiary's side gave back"`
	Spread    Money     `json:"spread"`
	Refunded  Money     `json:"refunded" doc:"Of the payment, with this one"`
	Left      Money     `json:"left" doc:"That can still be refunded"`
	Window    string    `json:"window,omitempty" doc:"Settlement window that the reversal counts in"`
	Reference string    `json:"reference,omitempty"`
	Booked    time.Time `json:"booked"`
}

// ReturnRequest says that the beneficiary's side sent the money back.
type ReturnRequest struct {
	Code   string `json:"code" doc:"ISO 20022 external return reason, such as AC04" example:"AC04" maxLength:"4"`
	Detail string `json:"detail,omitempty" maxLength:"140"`
}

// Account is a customer's account in one currency.
type Account struct {
	ID          string `json:"id" example:"customer:acme:USD"`
	Owner       string `json:"owner"`
	Currency    string `json:"currency"`
	Participant string `json:"participant,omitempty" doc:"Settlement participant that holds the money"`
	CreditLine  string `json:"creditLine,omitempty" doc:"How far the balance may go below zero"`
	Posted      string `json:"posted"`
	Reserved    string `json:"reserved" doc:"Held for payments under way"`
	Available   string `json:"available"`
}

// AccountRequest opens an account: customer:<owner>:<currency>.
type AccountRequest struct {
	Owner       string `json:"owner" example:"acme" maxLength:"64"`
	Currency    string `json:"currency" example:"USD" minLength:"3" maxLength:"3"`
	Participant string `json:"participant,omitempty" doc:"Default: the institution's own" maxLength:"63"`
	CreditLine  string `json:"creditLine,omitempty" doc:"Decimal; default none" maxLength:"20"`
}

// DepositRequest books money that came in to a customer's account.
type DepositRequest struct {
	Account   string `json:"account" example:"customer:acme:USD" maxLength:"128"`
	Amount    Money  `json:"amount"`
	Reference string `json:"reference,omitempty" maxLength:"140"`
}

// Deposit is a booked deposit.
type Deposit struct {
	ID        string    `json:"id"`
	Account   string    `json:"account"`
	Amount    Money     `json:"amount"`
	Reference string    `json:"reference,omitempty"`
	Booked    time.Time `json:"booked"`
}

// Corridor is a corridor as served.
type Corridor struct {
	Name        string   `json:"name"`
	Generation  int64    `json:"generation"`
	Source      string   `json:"source" doc:"Country and currency" example:"US/USD"`
	Destination string   `json:"destination" example:"CN/CNY"`
	Draining    bool     `json:"draining,omitempty" doc:"Takes no new payments"`
	Strategy    string   `json:"strategy"`
	Providers   []string `json:"providers"`
	Rails       []string `json:"rails"`
	Schedule    string   `json:"schedule,omitempty"`
	Conversions bool     `json:"conversions,omitempty" doc:"For conversions between accounts of one owner, not for payments"`
}

// CorridorList is what a worker serves.
type CorridorList struct {
	Institution string     `json:"institution"`
	Region      string     `json:"region"`
	Revision    string     `json:"revision" doc:"Of the plan served"`
	Corridors   []Corridor `json:"corridors"`
}

// Summary adds up all payments of the worker's ledger.
type Summary struct {
	Region   string           `json:"region"`
	Revision string           `json:"revision"`
	Payments int64            `json:"payments"`
	States   map[Status]int64 `json:"states"`
	// Lines by corridor, provider and rail, of payments that have a route; Rejects by corridor and code.
	Lines   []SummaryLine   `json:"lines"`
	Rejects []SummaryReject `json:"rejects"`
}

// SummaryLine adds up the payments of one corridor over one provider and rail; amounts count those paid.
type SummaryLine struct {
	Corridor  string `json:"corridor"`
	Provider  string `json:"provider"`
	Rail      string `json:"rail"`
	Payments  int64  `json:"payments"`
	Paid      int64  `json:"paid"`
	Amount    Money  `json:"amount" doc:"Debited, fees included"`
	Fees      Money  `json:"fees"`
	Received  Money  `json:"received"`
	Spread    Money  `json:"spread" doc:"Cost against the reference rates, in the destination currency"`
	SpreadBps int64  `json:"spreadBps" doc:"Spread over received plus spread"`
}

// SummaryReject counts refusals.
type SummaryReject struct {
	Corridor string `json:"corridor"`
	Code     string `json:"code"`
	Example  string `json:"example" doc:"The detail of one of them"`
	Payments int64  `json:"payments"`
}

// BatchResult is the answer to one line of a batch, in the order of the lines.
type BatchResult struct {
	Line int    `json:"line" doc:"From 1, without a CSV's header"`
	Key  string `json:"id,omitempty" doc:"The line's idempotency key"`
	// Code is what a single POST would have answered: 201, 200 …
	Code    int      `json:"code"`
	Payment *Payment `json:"payment,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
}

// CheckpointList is a page of signed checkpoints of the books, oldest first.
type CheckpointList struct {
	Checkpoints []Checkpoint `json:"checkpoints"`
	Next        int64        `json:"next,omitempty" doc:"Send it as after for the next page; absent where this page is not full"`
}

// Checkpoint is what the books were at a size, signed: whoever keeps it can tell whether they were changed since.
type Checkpoint struct {
	Size int64  `json:"size" doc:"Entries in the journal"`
	Note string `json:"note" doc:"The signed note (C2SP tlog-checkpoint): origin, size, root of the journal, root of the accounts, signature"`
}
