package v1alpha1

// Condition types. Every kind has Ready; the others where they mean something.
const (
	// ConditionAccepted is True when the resource is valid in itself and does not conflict with an older one.
	ConditionAccepted = "Accepted"
	// ConditionResolvedRefs is True when all that it refers to exists, is itself accepted, and may be used.
	ConditionResolvedRefs = "ResolvedRefs"
	// ConditionProgrammed is True when every worker that must serve it has said that it serves this generation. It is
	// Unknown while a worker or region cannot be heard, and says since when.
	ConditionProgrammed = "Programmed"
	// ConditionDrained is True on a corridor being deleted once no payment of it is under way in any region.
	ConditionDrained = "Drained"
	// ConditionComplete is True on a SettlementRun that has come to its end, well or not: Ready says which.
	ConditionComplete = "Complete"
	// ConditionReachable is True on a Region whose cluster answers.
	ConditionReachable = "Reachable"
	// ConditionAvailable is True on a Region when every role has a worker that can work: its ledger answers.
	ConditionAvailable = "Available"
	// ConditionReady sums up the others: True when all are, else the first that is not, with its reason and message.
	ConditionReady = "Ready"
)

// Reasons of Accepted.
const (
	// ReasonAccepted : valid.
	ReasonAccepted = "Accepted"
	// ReasonInvalidValue : a field's value cannot be used; the message names field and value.
	ReasonInvalidValue = "InvalidValue"
	// ReasonInvalidAmount : an amount of money is malformed for its currency.
	ReasonInvalidAmount = "InvalidAmount"
	// ReasonInvalidCurrency : not an ISO 4217 currency in use.
	ReasonInvalidCurrency = "InvalidCurrency"
	// ReasonInvalidTimeZone : not in the IANA time zone database.
	ReasonInvalidTimeZone = "InvalidTimeZone"
	// ReasonInvalidCutOff : a cron line that cannot be read or never fires.
	ReasonInvalidCutOff = "InvalidCutOff"
	// ReasonInvalidRule : a routing rule that does not compile, is no condition, or costs too much.
	ReasonInvalidRule = "InvalidRule"
	// ReasonInvalidIdentifier : a BIC, LEI or IBAN whose form or check digits are wrong.
	ReasonInvalidIdentifier = "InvalidIdentifier"
	// ReasonConflict : an older resource already has what this one claims; the message names it.
	ReasonConflict = "Conflict"
)

// Reasons of ResolvedRefs.
const (
	// ReasonResolvedRefs : all references resolve.
	ReasonResolvedRefs = "ResolvedRefs"
	// ReasonRefNotFound : something referred to does not exist.
	ReasonRefNotFound = "RefNotFound"
	// ReasonRefNotAccepted : something referred to exists but is itself not accepted or resolved.
	ReasonRefNotAccepted = "RefNotAccepted"
	// ReasonSecretNotFound : a Secret does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretKeyMissing : a Secret lacks a key that is needed.
	ReasonSecretKeyMissing = "SecretKeyMissing" //nolint:gosec // a reason's name, no credential
	// ReasonCurrencyMismatch : a provider has no such pair, or a rail pays in another currency.
	ReasonCurrencyMismatch = "CurrencyMismatch"
	// ReasonUnknownCalendar : no built-in calendar has this name.
	ReasonUnknownCalendar = "UnknownCalendar"
)

// Reasons of Programmed, Reachable, Drained and Ready.
const (
	// ReasonProgrammed : all workers serve this generation.
	ReasonProgrammed = "Programmed"
	// ReasonPending : delivered, and not all workers have acknowledged it yet.
	ReasonPending = "Pending"
	// ReasonNotServed : nothing in any region needs it, so no worker serves it.
	ReasonNotServed = "NotServed"
	// ReasonRefused : a worker refused the configuration; the message says why.
	ReasonRefused = "Refused"
	// ReasonNoWorkers : no worker of the region has ever been heard.
	ReasonNoWorkers = "NoWorkers"
	// ReasonWorkerLost : a worker's heartbeat stopped.
	ReasonWorkerLost = "WorkerLost"
	// ReasonWorkersNotReady : no worker of a role can work, though they are heard; the message says why.
	ReasonWorkersNotReady = "WorkersNotReady"
	// ReasonAvailable : every role has a worker that can work.
	ReasonAvailable = "Available"
	// ReasonRegionUnreachable : the region's cluster does not answer.
	ReasonRegionUnreachable = "RegionUnreachable"
	// ReasonRegionReachable : the region's cluster answers.
	ReasonRegionReachable = "RegionReachable"
	// ReasonApplyFailed : the region's API server refused an object; the message says which and why.
	ReasonApplyFailed = "ApplyFailed"
	// ReasonMigrationFailed : a ledger's schema could not be brought up to date; the message names the Secret that leads to it.
	ReasonMigrationFailed = "MigrationFailed"
	// ReasonLastGoodServed : the newest generation is invalid, so workers serve the last good one.
	ReasonLastGoodServed = "LastGoodServed"
	// ReasonDraining : being deleted, with payments still under way.
	ReasonDraining = "Draining"
	// ReasonDrained : being deleted, with no payment under way.
	ReasonDrained = "Drained"
	// ReasonInUse : being deleted, and still referred to.
	ReasonInUse = "InUse"
	// ReasonReady : all conditions hold.
	ReasonReady = "Ready"
)

// Reasons of a SettlementRun.
const (
	// ReasonRequested : asked for, not yet begun by the settler.
	ReasonRequested = "Requested"
	// ReasonInProgress : under way; status.phase says where.
	ReasonInProgress = "InProgress"
	// ReasonSettled : every instruction was accepted.
	ReasonSettled = "Settled"
	// ReasonFailed : ended with an error or breaks.
	ReasonFailed = "Failed"
)

// Labels, annotations and the finalizer.
const (
	// LabelRegion and LabelInstitution are on every object in a region's namespace.
	LabelRegion      = "rails.qiantang.dev/region"
	LabelInstitution = "rails.qiantang.dev/institution"
	// LabelWorker marks the Lease of a worker; LabelRun a run's ConfigMap; LabelSchedule a SettlementRun.
	LabelWorker   = "rails.qiantang.dev/worker"
	LabelRun      = "rails.qiantang.dev/run"
	LabelSchedule = "rails.qiantang.dev/schedule"
	// AnnotationAck holds a worker's acknowledgement as JSON on its Lease.
	AnnotationAck = "rails.qiantang.dev/ack"
	// FinalizerDrain keeps a corridor until it is drained and no worker serves it; FinalizerRegion keeps a region until
	// what was applied to its cluster is removed.
	FinalizerDrain  = "rails.qiantang.dev/drain"
	FinalizerRegion = "rails.qiantang.dev/region"
)
