package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// FXProvider quotes and executes foreign exchange and payout, or gives reference rates.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:resource:path=fxproviders,scope=Namespaced,shortName=fxp,categories=rails
// +kubebuilder:printcolumn:name="Adapter",type=string,JSONPath=`.spec.adapter`
// +kubebuilder:printcolumn:name="Endpoint",type=string,JSONPath=`.spec.endpoint`,priority=1
// +kubebuilder:printcolumn:name="Regions",type=string,JSONPath=`.status.regions`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",messageExpression="'name ' + self.metadata.name + ' is longer than 63 characters'"
type FXProvider struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted.
	// +required
	Spec FXProviderSpec `json:"spec,omitempty,omitzero"`

	// status is what the operator last saw.
	// +optional
	Status FXProviderStatus `json:"status,omitempty,omitzero"`
}

// FXAdapter is the code that speaks a provider's API.
// +kubebuilder:validation:Enum=OpenFX;PingPong;LianLian;Antom;ECB
type FXAdapter string

// The adapters.
const (
	// AdapterOpenFX speaks Qiantang's own open contract.
	AdapterOpenFX FXAdapter = "OpenFX"
	// AdapterPingPong speaks PingPong's exchange API.
	AdapterPingPong FXAdapter = "PingPong"
	// AdapterLianLian speaks LianLian Global's API.
	AdapterLianLian FXAdapter = "LianLian"
	// AdapterAntom speaks Ant International's API.
	AdapterAntom FXAdapter = "Antom"
	// AdapterECB reads the euro reference rates of the European Central Bank.
	AdapterECB FXAdapter = "ECB"
)

// FXProviderRole says what a provider is used for.
// +kubebuilder:validation:Enum=Routed;Reference
type FXProviderRole string

// The roles of a provider.
const (
	// ProviderRouted is quoted, chosen and paid through.
	ProviderRouted FXProviderRole = "Routed"
	// ProviderReference gives the rates that quotes are judged against; never paid through.
	ProviderReference FXProviderRole = "Reference"
)

// FXProviderSpec is what a provider is and how it is treated.
// +kubebuilder:validation:XValidation:rule="self.adapter != 'ECB' || !has(self.role) || self.role == 'Reference'",messageExpression="'role is ' + self.role + ', but adapter ECB only gives reference rates'",fieldPath=".role"
// +kubebuilder:validation:XValidation:rule="self.adapter == 'ECB' || (has(self.role) && self.role == 'Reference') || (has(self.pairs) && self.pairs.size() > 0)",messageExpression="'pairs must name at least one currency pair for adapter ' + self.adapter"
// +kubebuilder:validation:XValidation:rule="isURL(self.endpoint) && (url(self.endpoint).getScheme() in ['http', 'https'] && url(self.endpoint).getHostname().size() > 0 || self.adapter == 'ECB' && url(self.endpoint).getScheme() == 'file')",messageExpression="'endpoint ' + self.endpoint + ' must be an http or https URL; with adapter ECB also a file URL'",fieldPath=".endpoint"
type FXProviderSpec struct {
	// adapter is the code that speaks the provider's API.
	// +required
	Adapter FXAdapter `json:"adapter,omitempty"`

	// role is Routed or Reference. Unset, Reference for adapter ECB and Routed for the others.
	// +optional
	Role FXProviderRole `json:"role,omitempty"`

	// endpoint is the base URL of the provider's API; for ECB the URL of the rates, also a file URL on the worker.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Endpoint string `json:"endpoint,omitempty"`

	// credentialsSecretRef is a Secret with what the adapter needs; the adapter's page in docs names the keys. Unset, none.
	// +optional
	CredentialsSecretRef SecretReference `json:"credentialsSecretRef,omitempty,omitzero"`

	// parameters of the adapter that are no secret, such as clientId.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=32
	Parameters map[string]ParameterValue `json:"parameters,omitempty"`

	// pairs of currencies that it takes. A pair of one currency with itself is a payout without exchange.
	// +optional
	// +listType=map
	// +listMapKey=sell
	// +listMapKey=buy
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=512
	Pairs []CurrencyPair `json:"pairs,omitempty"`

	// participantRef names the Participant that it settles as. Unset, it stands outside our settlement.
	// +optional
	ParticipantRef LocalReference `json:"participantRef,omitempty,omitzero"`

	// timeouts of requests.
	// +optional
	Timeouts ProviderTimeouts `json:"timeouts,omitempty,omitzero"`

	// hedging sends a second quote request when the first is slow.
	// +optional
	Hedging ProviderHedging `json:"hedging,omitempty,omitzero"`

	// rateLimit of requests from each worker. Unset, none.
	// +optional
	RateLimit ProviderRateLimit `json:"rateLimit,omitempty,omitzero"`

	// maxConcurrentRequests of each worker, so that one slow provider cannot take all. Unset, 64.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	MaxConcurrentRequests int32 `json:"maxConcurrentRequests,omitempty"`

	// circuitBreaker leaves a failing provider alone for a while.
	// +optional
	CircuitBreaker ProviderCircuitBreaker `json:"circuitBreaker,omitempty,omitzero"`
}

// ParameterValue is the value of an adapter's parameter.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=1024
type ParameterValue string

// CurrencyPair is what a provider exchanges.
type CurrencyPair struct {
	// sell is the currency given to the provider.
	// +required
	Sell CurrencyCode `json:"sell,omitempty"`

	// buy is the currency that the provider pays out.
	// +required
	Buy CurrencyCode `json:"buy,omitempty"`
}

// ProviderTimeouts bound requests.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.quote) || duration(self.quote) > duration('0s') && duration(self.quote) <= duration('30s')",messageExpression="'quote ' + self.quote + ' must be more than 0s and at most 30s'",fieldPath=".quote"
// +kubebuilder:validation:XValidation:rule="!has(self.execute) || duration(self.execute) > duration('0s') && duration(self.execute) <= duration('2m')",messageExpression="'execute ' + self.execute + ' must be more than 0s and at most 2m'",fieldPath=".execute"
type ProviderTimeouts struct {
	// quote bounds a request for a quote. Unset, 1s.
	// +optional
	Quote Duration `json:"quote,omitempty"`

	// execute bounds a request that pays or asks for a payment's state. Unset, 10s.
	// +optional
	Execute Duration `json:"execute,omitempty"`
}

// ProviderHedging is about second requests for a quote.
type ProviderHedging struct {
	// after is how long the first request may take before a second is sent. Unset, the provider's own 95th percentile.
	// +required
	After Duration `json:"after,omitempty"`
}

// ProviderRateLimit bounds requests a second.
type ProviderRateLimit struct {
	// requestsPerSecond on average.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	RequestsPerSecond int32 `json:"requestsPerSecond,omitempty"`

	// burst at once. Unset, the same as requestsPerSecond.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	Burst int32 `json:"burst,omitempty"`
}

// ProviderCircuitBreaker leaves a failing provider alone for a while.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.openFor) || duration(self.openFor) >= duration('100ms') && duration(self.openFor) <= duration('10m')",messageExpression="'openFor ' + self.openFor + ' must be at least 100ms and at most 10m'",fieldPath=".openFor"
type ProviderCircuitBreaker struct {
	// consecutiveFailures that open the circuit. Unset, 5.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	ConsecutiveFailures int32 `json:"consecutiveFailures,omitempty"`

	// openFor is how long it stays open before one request may try again. Unset, 10s.
	// +optional
	OpenFor Duration `json:"openFor,omitempty"`
}

// FXProviderStatus is what the operator last saw of a provider.
// +kubebuilder:validation:MinProperties=1
type FXProviderStatus struct {
	// conditions are Accepted, ResolvedRefs, Programmed, Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// regions in whose plans it is.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Regions []ObjectName `json:"regions,omitempty"`

	// effective is what applies where the spec leaves a choice open.
	// +optional
	Effective FXProviderEffective `json:"effective,omitempty,omitzero"`
}

// FXProviderEffective is what applies after defaults.
// +kubebuilder:validation:MinProperties=1
type FXProviderEffective struct {
	// role of the provider.
	// +optional
	Role FXProviderRole `json:"role,omitempty"`

	// quoteTimeout of a request for a quote.
	// +optional
	QuoteTimeout Duration `json:"quoteTimeout,omitempty"`

	// executeTimeout of a request that pays.
	// +optional
	ExecuteTimeout Duration `json:"executeTimeout,omitempty"`

	// maxConcurrentRequests of each worker.
	// +optional
	MaxConcurrentRequests *int32 `json:"maxConcurrentRequests,omitempty"`

	// breakerFailures in a row that open the circuit.
	// +optional
	BreakerFailures *int32 `json:"breakerFailures,omitempty"`

	// breakerOpenFor is how long it stays open.
	// +optional
	BreakerOpenFor Duration `json:"breakerOpenFor,omitempty"`
}

// FXProviderList is a list of FXProvider.
// +kubebuilder:object:root=true
type FXProviderList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items of the list.
	Items []FXProvider `json:"items"`
}
