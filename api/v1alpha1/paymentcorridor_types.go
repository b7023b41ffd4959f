package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// PaymentCorridor is one country and currency pair that an institution serves, in which regions, and how.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:resource:path=paymentcorridors,scope=Namespaced,shortName=pcor,categories=rails
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.spec.source.country`
// +kubebuilder:printcolumn:name="Sell",type=string,JSONPath=`.spec.source.currency`
// +kubebuilder:printcolumn:name="Dest",type=string,JSONPath=`.spec.destination.country`
// +kubebuilder:printcolumn:name="Buy",type=string,JSONPath=`.spec.destination.currency`
// +kubebuilder:printcolumn:name="Regions",type=string,JSONPath=`.spec.regions`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Strategy",type=string,JSONPath=`.status.effective.strategy`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",messageExpression="'name ' + self.metadata.name + ' is longer than 63 characters'"
type PaymentCorridor struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted.
	// +required
	Spec PaymentCorridorSpec `json:"spec,omitempty,omitzero"`

	// status is what the operator last saw.
	// +optional
	Status PaymentCorridorStatus `json:"status,omitempty,omitzero"`
}

// PaymentCorridorSpec is what a corridor should be.
// +kubebuilder:validation:XValidation:rule="self.source.country != self.destination.country || self.source.currency != self.destination.currency",messageExpression="'source and destination are both ' + self.source.country + '/' + self.source.currency + ': a corridor crosses a border or exchanges'"
// +kubebuilder:validation:XValidation:rule="!has(self.routing) || !has(self.routing.strategy) || self.routing.strategy != 'Weighted' || self.providers.all(p, has(p.weight))",message="routing.strategy is Weighted, so each of providers needs a weight",fieldPath=".providers"
// +kubebuilder:validation:XValidation:rule="has(self.use) && self.use == 'Conversions' ? !has(self.rails) : has(self.rails)",messageExpression="has(self.rails) ? 'rails must be unset with use Conversions: nobody is paid out' : 'rails must be set unless use is Conversions'",fieldPath=".rails"
// +kubebuilder:validation:XValidation:rule="!has(self.use) || self.use != 'Conversions' || (self.source.currency != self.destination.currency && !has(self.purposes))",messageExpression="has(self.purposes) ? 'purposes must be unset with use Conversions' : 'source and destination are both in ' + self.source.currency + ': nothing to convert'"
// +kubebuilder:validation:XValidation:rule="(has(self.use) ? self.use : 'Payments') == (has(oldSelf.use) ? oldSelf.use : 'Payments')",message="use cannot be changed: what is under way was made for it",fieldPath=".use"
type PaymentCorridorSpec struct {
	// use is what the corridor is for: Payments to beneficiaries, or Conversions of a customer's own money into the same owner's account
	// in the destination's currency. Unset, Payments. A payment and a conversion never share a corridor, so that each has fees, limits,
	// providers and a spread cap of its own; between the same two ends there may be one of each.
	// +optional
	Use CorridorUse `json:"use,omitempty"`

	// source is where the payer's money is. With use Conversions, countries are where the accounts are held, and may be the same.
	// +required
	Source CorridorEnd `json:"source,omitempty,omitzero"`

	// destination is where the beneficiary is paid.
	// +required
	Destination CorridorEnd `json:"destination,omitempty,omitzero"`

	// regions whose workers serve it. In one region at most one corridor may have this source and destination; the oldest
	// has it.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Regions []ObjectName `json:"regions,omitempty"`

	// rails to pay out on, in order of preference. Each must pay in the destination's currency. Unset with use Conversions, else required.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Rails []CorridorRail `json:"rails,omitempty"`

	// providers to quote, in order of preference. Each must take the pair of the source's and destination's currencies, or one leg
	// by way of another currency whose other leg one of them takes, such as USD/HKD where one takes HKD/CNY.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Providers []CorridorProvider `json:"providers,omitempty"`

	// routing chooses among rails and providers.
	// +optional
	Routing CorridorRouting `json:"routing,omitempty,omitzero"`

	// limits of one payment in the source's currency. Unset, none.
	// +optional
	Limits AmountLimits `json:"limits,omitempty,omitzero"`

	// feeTiers are what the customer pays, by rising from. The last whose from is not above the amount counts. Unset, no fee.
	// +optional
	// +listType=map
	// +listMapKey=from
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	FeeTiers []FeeTier `json:"feeTiers,omitempty"`

	// quotes bounds what providers quote.
	// +optional
	Quotes CorridorQuotes `json:"quotes,omitempty,omitzero"`

	// purposes of payment that are taken. Unset, any.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Purposes []PurposeCode `json:"purposes,omitempty"`

	// settlementScheduleRef names the SettlementSchedule by which what is owed between participants is settled. Unset, it
	// is not settled by us.
	// +optional
	SettlementScheduleRef LocalReference `json:"settlementScheduleRef,omitempty,omitzero"`
}

// CorridorUse is what a corridor is for.
// +kubebuilder:validation:Enum=Payments;Conversions
type CorridorUse string

// The uses of a corridor.
const (
	// UsePayments pays beneficiaries.
	UsePayments CorridorUse = "Payments"
	// UseConversions converts between accounts of one owner.
	UseConversions CorridorUse = "Conversions"
)

// CorridorEnd is a country and a currency.
type CorridorEnd struct {
	// country of this end.
	// +required
	Country CountryCode `json:"country,omitempty"`

	// currency of this end.
	// +required
	Currency CurrencyCode `json:"currency,omitempty"`
}

// CorridorRail is a rail's place in a corridor.
type CorridorRail struct {
	// name of the PaymentRail.
	// +required
	Name ObjectName `json:"name,omitempty"`
}

// CorridorProvider is a provider's place in a corridor.
type CorridorProvider struct {
	// name of the FXProvider.
	// +required
	Name ObjectName `json:"name,omitempty"`

	// weight is its share with strategy Weighted. Other strategies ignore it.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Weight int32 `json:"weight,omitempty"`

	// priority with strategy Priority, lower first. Unset, its place in the list.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Priority *int32 `json:"priority,omitempty"`
}

// RoutingStrategy says how the best route is chosen.
// +kubebuilder:validation:Enum=BestAmount;Cheapest;Fastest;Priority;Weighted;SuccessRate
type RoutingStrategy string

// The strategies.
const (
	// StrategyBestAmount takes the route by which the beneficiary receives most.
	StrategyBestAmount RoutingStrategy = "BestAmount"
	// StrategyCheapest takes the least cost to us: spread against the reference rate.
	StrategyCheapest RoutingStrategy = "Cheapest"
	// StrategyFastest takes the earliest expected arrival.
	StrategyFastest RoutingStrategy = "Fastest"
	// StrategyPriority takes the first provider that can.
	StrategyPriority RoutingStrategy = "Priority"
	// StrategyWeighted splits by weight, the same payment always the same way.
	StrategyWeighted RoutingStrategy = "Weighted"
	// StrategySuccessRate prefers providers that lately succeeded.
	StrategySuccessRate RoutingStrategy = "SuccessRate"
)

// CorridorRouting chooses among rails and providers.
// +kubebuilder:validation:MinProperties=1
type CorridorRouting struct {
	// strategy of choice. Unset, BestAmount.
	// +optional
	Strategy RoutingStrategy `json:"strategy,omitempty"`

	// rules are applied in order before the strategy.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Rules []RoutingRule `json:"rules,omitempty"`
}

// RoutingAction is what a rule does.
// +kubebuilder:validation:Enum=Deny;Prefer;Exclude
type RoutingAction string

// The actions of rules.
const (
	// ActionDeny refuses the payment with the rule's message.
	ActionDeny RoutingAction = "Deny"
	// ActionPrefer puts the named providers or rails first.
	ActionPrefer RoutingAction = "Prefer"
	// ActionExclude leaves the named providers or rails out.
	ActionExclude RoutingAction = "Exclude"
)

// RoutingRule does its action where its condition holds.
// +kubebuilder:validation:XValidation:rule="(self.action == 'Deny') == has(self.message)",messageExpression="'message must be set with action Deny, and only then; action of rule ' + self.name + ' is ' + self.action"
// +kubebuilder:validation:XValidation:rule="(self.action == 'Deny') == (!has(self.providers) && !has(self.rails))",messageExpression="self.action == 'Deny' ? 'providers and rails must be unset with action Deny in rule ' + self.name : 'providers or rails must be set with action ' + self.action + ' in rule ' + self.name"
type RoutingRule struct {
	// name of the rule, as metrics and refusals show it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// when is a CEL condition over the payment and the time, such as payment.purpose == "GDDS".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	When string `json:"when,omitempty"`

	// action is done where when holds.
	// +required
	Action RoutingAction `json:"action,omitempty"`

	// message tells the payer why, with action Deny.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Message string `json:"message,omitempty"`

	// providers that are preferred or excluded; each is one of the corridor's.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Providers []ObjectName `json:"providers,omitempty"`

	// rails that are preferred or excluded; each is one of the corridor's.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Rails []ObjectName `json:"rails,omitempty"`
}

// FeeTier is a customer's fee in the source's currency: fixed, and basisPoints of the amount, at least min, at most max.
// +kubebuilder:validation:XValidation:rule="has(self.basisPoints) || has(self.fixed)",messageExpression="'tier from ' + self.from + ' needs basisPoints, fixed, or both'"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || quantity(self.min).compareTo(quantity(self.max)) <= 0",messageExpression="'min ' + self.min + ' is more than max ' + self.max",fieldPath=".min"
type FeeTier struct {
	// from is the amount at which the tier begins.
	// +required
	From DecimalAmount `json:"from,omitempty"`

	// basisPoints (1/10000) of the amount. Unset, none.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5000
	BasisPoints int32 `json:"basisPoints,omitempty"`

	// fixed part. Unset, none.
	// +optional
	Fixed DecimalAmount `json:"fixed,omitempty"`

	// min is the least fee. Unset, none.
	// +optional
	Min DecimalAmount `json:"min,omitempty"`

	// max is the most. Unset, none.
	// +optional
	Max DecimalAmount `json:"max,omitempty"`
}

// CorridorQuotes bounds what providers quote.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.ttl) || duration(self.ttl) >= duration('1s') && duration(self.ttl) <= duration('1h')",messageExpression="'ttl ' + self.ttl + ' must be at least 1s and at most 1h'",fieldPath=".ttl"
type CorridorQuotes struct {
	// ttl is how long a quote or a locked rate may be used at most, whatever a provider says. Unset, 30s.
	// +optional
	TTL Duration `json:"ttl,omitempty"`

	// maxSpreadBasisPoints against the reference rate; worse quotes are refused. Unset, no cap.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	MaxSpreadBasisPoints int32 `json:"maxSpreadBasisPoints,omitempty"`
}

// PaymentCorridorStatus is what the operator last saw of a corridor.
// +kubebuilder:validation:MinProperties=1
type PaymentCorridorStatus struct {
	// conditions are Accepted, ResolvedRefs, Programmed, Ready; Drained while it is being deleted.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// regions that must serve it, and whether they do.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Regions []CorridorRegionStatus `json:"regions,omitempty"`

	// effective is what applies where the spec leaves a choice open.
	// +optional
	Effective CorridorEffective `json:"effective,omitempty,omitzero"`
}

// CorridorRegionState says how far a corridor is in a region.
// +kubebuilder:validation:Enum=Serving;Pending;Draining;Drained;Refused;Unknown
type CorridorRegionState string

// The states of a corridor in a region.
const (
	// CorridorServing : all workers serve this generation.
	CorridorServing CorridorRegionState = "Serving"
	// CorridorPending : not all workers serve this generation yet.
	CorridorPending CorridorRegionState = "Pending"
	// CorridorDraining : no new payments; inFlight of them go on.
	CorridorDraining CorridorRegionState = "Draining"
	// CorridorDrained : nothing under way any more.
	CorridorDrained CorridorRegionState = "Drained"
	// CorridorRefused : a worker refused it; message says why.
	CorridorRefused CorridorRegionState = "Refused"
	// CorridorUnknown : the region or a worker cannot be heard.
	CorridorUnknown CorridorRegionState = "Unknown"
)

// CorridorRegionStatus is a corridor in one region.
type CorridorRegionStatus struct {
	// name of the Region.
	// +required
	Name ObjectName `json:"name,omitempty"`

	// state of the corridor there.
	// +required
	State CorridorRegionState `json:"state,omitempty"`

	// servedGeneration is the generation in the plan that the region's workers serve.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ServedGeneration *int64 `json:"servedGeneration,omitempty"`

	// inFlight payments while draining.
	// +optional
	// +kubebuilder:validation:Minimum=0
	InFlight *int64 `json:"inFlight,omitempty"`

	// message explains any state but Serving.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}

// CorridorEffective is what applies after defaults.
// +kubebuilder:validation:MinProperties=1
type CorridorEffective struct {
	// strategy of choice.
	// +optional
	Strategy RoutingStrategy `json:"strategy,omitempty"`

	// quoteTTL bounds quotes and locks.
	// +optional
	QuoteTTL Duration `json:"quoteTTL,omitempty"`
}

// PaymentCorridorList is a list of PaymentCorridor.
// +kubebuilder:object:root=true
type PaymentCorridorList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items of the list.
	Items []PaymentCorridor `json:"items"`
}
