package plan

import "time"

// Duration is a time.Duration written as Go writes it ("1.5s").
type Duration = Text

// Region is everything that the workers of one region need.
type Region struct {
	// Institution is whose rails these are: the namespace of the resources.
	Institution string `json:"institution"`
	// Name of the Region resource.
	Name string `json:"name"`
	// Jurisdiction is an ISO 3166-1 alpha-2 country.
	Jurisdiction string `json:"jurisdiction"`
	// Revision is the content hash of all else: 16 hexadecimal digits of SHA-256.
	Revision string `json:"revision"`

	// Self is the Participant that this institution itself settles as; empty where none is marked so.
	Self         string        `json:"self,omitempty"`
	Corridors    []Corridor    `json:"corridors,omitempty"`
	Providers    []Provider    `json:"providers,omitempty"`
	Rails        []Rail        `json:"rails,omitempty"`
	Participants []Participant `json:"participants,omitempty"`
	Schedules    []Schedule    `json:"schedules,omitempty"`
	// Webhooks are told of payments.
	Webhooks []Webhook `json:"webhooks,omitempty"`

	// Checkpoints are signed by settlers; nil: by none.
	Checkpoints *Checkpoints `json:"checkpoints,omitempty"`

	// API says how callers authenticate, Clients who they may be; nil: the API is open.
	API     *API     `json:"api,omitempty"`
	Clients []Client `json:"clients,omitempty"`
}

// Checkpoints says how often the books are signed. The key comes with the credentials, as a Material.
type Checkpoints struct {
	Every Duration `json:"every"`
}

// Corridor is one country and currency pair that the region serves.
type Corridor struct {
	Name string `json:"name"`
	// Generation is the resource's, so that an acknowledged Revision says which generation is served.
	Generation int64 `json:"generation"`
	// Draining corridors take no new payments; those under way are finished.
	Draining bool `json:"draining,omitempty"`
	// Conversion corridors pay nobody: they convert between accounts of one owner. They have no rails.
	Conversion bool `json:"conversion,omitempty"`

	SourceCountry       string `json:"sourceCountry"`
	SourceCurrency      string `json:"sourceCurrency"`
	DestinationCountry  string `json:"destinationCountry"`
	DestinationCurrency string `json:"destinationCurrency"`

	// Rails and Providers by name, in the order of preference; Schedule may be empty (paid, never settled by us).
	Rails     []string      `json:"rails"`
	Providers []RouteMember `json:"providers"`
	Schedule  string        `json:"schedule,omitempty"`

	// Strategy: BestAmount, Cheapest, Fastest, Priority, Weighted, SuccessRate.
	Strategy string `json:"strategy"`
	// Rules are CEL expressions, checked when compiling; in order.
	Rules []Rule `json:"rules,omitempty"`

	// MinAmount and MaxAmount bound a payment in the source currency (decimal strings; empty: none).
	MinAmount string `json:"minAmount,omitempty"`
	MaxAmount string `json:"maxAmount,omitempty"`
	// FeeTiers by rising From; the last whose From is not above the amount counts.
	FeeTiers []FeeTier `json:"feeTiers,omitempty"`
	// QuoteTTL bounds every quote and lock; SpreadCapBps refuses quotes worse than this against the reference rate (0: none).
	QuoteTTL     Duration `json:"quoteTTL"`
	SpreadCapBps int64    `json:"spreadCapBps,omitempty"`
	// Purposes allowed, ISO 20022 external purpose codes; empty: any.
	Purposes []string `json:"purposes,omitempty"`
}

// RouteMember is a provider's place in a corridor.
type RouteMember struct {
	Name string `json:"name"`
	// Weight for Weighted, Priority (lower first) for Priority.
	Weight   int32 `json:"weight,omitempty"`
	Priority int32 `json:"priority,omitempty"`
}

// Rule is one CEL rule: where When holds, the action is done.
type Rule struct {
	Name string `json:"name"`
	When string `json:"when"`
	// Action: Deny (refuse the payment, Message says why), Prefer or Exclude (Providers, Rails).
	Action    string   `json:"action"`
	Message   string   `json:"message,omitempty"`
	Providers []string `json:"providers,omitempty"`
	Rails     []string `json:"rails,omitempty"`
}

// FeeTier is a customer's fee in the source currency: Fixed + Bps of the amount, at least Min, at most Max (empty: none).
type FeeTier struct {
	From  string `json:"from"`
	Bps   int64  `json:"bps,omitempty"`
	Fixed string `json:"fixed,omitempty"`
	Min   string `json:"min,omitempty"`
	Max   string `json:"max,omitempty"`
}

// Provider is an FX and payout provider as the workers reach it. Credentials come by another way: never in a plan.
type Provider struct {
	Name string `json:"name"`
	// Adapter: OpenFX, PingPong, LianLian, Antom, ECB.
	Adapter  string `json:"adapter"`
	Endpoint string `json:"endpoint"`
	// Credentials is the key under which the region's credentials hold this provider's; empty: none needed.
	Credentials string `json:"credentials,omitempty"`
	// Parameters of the adapter, such as clientId; not secret.
	Parameters map[string]string `json:"parameters,omitempty"`
	Pairs      []Pair            `json:"pairs,omitempty"`
	// Participant is whom the provider settles as; empty: outside settlement.
	Participant string `json:"participant,omitempty"`
	// Reference marks a provider of reference rates, never routed to.
	Reference bool `json:"reference,omitempty"`

	QuoteTimeout   Duration `json:"quoteTimeout"`
	ExecuteTimeout Duration `json:"executeTimeout"`
	// HedgeAfter sends a second quote request when the first has not answered by then (zero: the provider's own p95).
	HedgeAfter Duration `json:"hedgeAfter,omitempty"`
	// RateLimit in requests a second with Burst; zero: none.
	RateLimit int32 `json:"rateLimit,omitempty"`
	Burst     int32 `json:"burst,omitempty"`
	// MaxConcurrent requests at once (bulkhead).
	MaxConcurrent int32 `json:"maxConcurrent"`
	// BreakerFailures in a row open the circuit for BreakerOpen.
	BreakerFailures int32    `json:"breakerFailures"`
	BreakerOpen     Duration `json:"breakerOpen"`
}

// Pair is a currency pair a provider takes.
type Pair struct {
	Sell string `json:"sell"`
	Buy  string `json:"buy"`
}

// Rail is a clearing system to pay out on.
type Rail struct {
	Name string `json:"name"`
	// System: CIPS, CNAPSHVPS, CNAPSBEPS, Fedwire, FedNow, T2, SCTInst, … as in the resource.
	System   string `json:"system"`
	Country  string `json:"country"`
	Currency string `json:"currency"`
	// Hours are the weekly openings in Zone; empty: always open.
	Zone  string    `json:"zone"`
	Hours []Opening `json:"hours,omitempty"`
	// Closed days, YYYY-MM-DD in Zone; Extra working days (make-up days) open on what would be a weekend.
	Closed []string `json:"closed,omitempty"`
	Extra  []string `json:"extra,omitempty"`
	// MinAmount and MaxAmount per payment, decimal strings in Currency; empty: none.
	MinAmount string `json:"minAmount,omitempty"`
	MaxAmount string `json:"maxAmount,omitempty"`
	// Finality: Immediate, Deferred.
	Finality string `json:"finality"`
	// MessageFormat, such as pacs.008.001.08.
	MessageFormat string `json:"messageFormat,omitempty"`
	// Expected time from instruction to the beneficiary's account.
	Expected Duration `json:"expected,omitempty"`
}

// Opening is a weekly span; Close before or at Open means the next day. Times are HH:MM in the rail's zone.
type Opening struct {
	// Days: Mon, Tue, Wed, Thu, Fri, Sat, Sun; the day on which it opens.
	Days  []string `json:"days"`
	Open  string   `json:"open"`
	Close string   `json:"close"`
}

// Participant is a settlement counterparty.
type Participant struct {
	Name string `json:"name"`
	BIC  string `json:"bic,omitempty"`
	LEI  string `json:"lei,omitempty"`
	// LegalName as on messages.
	LegalName string `json:"legalName"`
	Country   string `json:"country,omitempty"`
	// Accounts by currency.
	Accounts []ParticipantAccount `json:"accounts,omitempty"`
}

// ParticipantAccount is where a participant pays and is paid in one currency.
type ParticipantAccount struct {
	Currency string `json:"currency"`
	// IBAN or Other identification.
	IBAN  string `json:"iban,omitempty"`
	Other string `json:"other,omitempty"`
	// NetDebitCap in the currency, decimal string; empty: none.
	NetDebitCap string `json:"netDebitCap,omitempty"`
}

// Schedule is when and how windows close.
type Schedule struct {
	Name string `json:"name"`
	Zone string `json:"zone"`
	// CutOffs are cron lines (five fields) in Zone; each firing closes the window then open.
	CutOffs []string `json:"cutOffs"`
	// Closed and Extra days as in Rail, over the plan's horizon.
	Closed []string `json:"closed,omitempty"`
	Extra  []string `json:"extra,omitempty"`
	// WorkingDays of the week, Mon…Sun; empty: Mon to Fri.
	WorkingDays []string `json:"workingDays,omitempty"`
	// HolidayRule for a cut-off on a closed day: Skip, NextBusinessDay, PreviousBusinessDay.
	HolidayRule string `json:"holidayRule"`
	// ValueDateLag in business days after the cut-off.
	ValueDateLag int32 `json:"valueDateLag"`
	// Model: Gross, BilateralNet, MultilateralNet. Timing: Immediate, Deferred.
	Model  string `json:"model"`
	Timing string `json:"timing"`
	// MessageFormat: pacs.009.001.08.
	MessageFormat string `json:"messageFormat"`
	// Delivery of instruction files.
	Delivery Delivery `json:"delivery"`
	// Paused schedules close no windows by themselves.
	Paused bool `json:"paused,omitempty"`
}

// Delivery says where instructions go: a Directory below the worker's volume, or a clearing system's Endpoint over HTTP.
type Delivery struct {
	Directory string `json:"directory,omitempty"`
	Endpoint  string `json:"endpoint,omitempty"`
}

// RunRequest asks for a window to be closed now; RunReport is what came of a run, asked for or by cron.
type RunRequest struct {
	// Name of the SettlementRun resource, Schedule of the schedule.
	Name     string `json:"name"`
	Schedule string `json:"schedule"`
}

// RunReport is a settlement run as the settler knows it.
type RunReport struct {
	Name     string `json:"name"`
	Schedule string `json:"schedule"`
	Region   string `json:"region"`
	Window   string `json:"window"`
	// Phase: Closing, Netting, Instructing, Delivering, Settled, Failed.
	Phase     string     `json:"phase"`
	Message   string     `json:"message,omitempty"`
	Opened    time.Time  `json:"opened"`
	Closed    time.Time  `json:"closed"`
	Completed *time.Time `json:"completed,omitempty"`
	ValueDate string     `json:"valueDate,omitempty"`
	Payments  int64      `json:"payments"`
	// Currencies sums per currency; NettingEfficiency is in basis points.
	Currencies   []CurrencySum `json:"currencies,omitempty"`
	Instructions []Instruction `json:"instructions,omitempty"`
	Breaks       []string      `json:"breaks,omitempty"`
}

// CurrencySum is one currency's gross and net in a run.
type CurrencySum struct {
	Currency string `json:"currency"`
	Gross    string `json:"gross"`
	Net      string `json:"net"`
	// EfficiencyBps is 1 - net/gross in basis points.
	EfficiencyBps int64 `json:"efficiencyBps"`
}

// Instruction is one payer's settlement message.
type Instruction struct {
	MessageID string `json:"messageId"`
	Payer     string `json:"payer"`
	Currency  string `json:"currency"`
	Amount    string `json:"amount"`
	// File is where it lies: a path below the worker's volume, or the endpoint it went to.
	File string `json:"file"`
	// Status: Written, Delivered, Accepted, Rejected.
	Status string `json:"status"`
}

// Ack is what a worker says of itself, with each heartbeat.
type Ack struct {
	Worker string `json:"worker"`
	// Roles: router, settler.
	Roles []string `json:"roles"`
	// Revision served; empty before the first.
	Revision string `json:"revision"`
	// Refused is the revision that the worker could not take, and Reason why; empty where there is none.
	Refused string `json:"refused,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Trouble is why the worker cannot work though it serves a revision, such as a ledger that does not answer; empty where it can.
	Trouble string `json:"trouble,omitempty"`
	// InFlight counts payments not yet final, per draining corridor.
	InFlight map[string]int64 `json:"inFlight,omitempty"`
}
