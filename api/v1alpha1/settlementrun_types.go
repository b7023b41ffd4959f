package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SettlementRun is one window of one schedule in one region, closed and settled. A schedule makes one at each cut-off; one
// made by hand closes the open window now.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:resource:path=settlementruns,scope=Namespaced,shortName=sr,categories=rails
// +kubebuilder:printcolumn:name="Schedule",type=string,JSONPath=`.spec.scheduleRef.name`
// +kubebuilder:printcolumn:name="Region",type=string,JSONPath=`.spec.regionRef.name`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Payments",type=integer,JSONPath=`.status.payments`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Window",type=string,JSONPath=`.status.window`,priority=1
// +kubebuilder:printcolumn:name="Value-Date",type=string,JSONPath=`.status.valueDate`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",messageExpression="'name ' + self.metadata.name + ' is longer than 63 characters'"
type SettlementRun struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted. It cannot be changed.
	// +required
	Spec SettlementRunSpec `json:"spec,omitempty,omitzero"`

	// status is what the settler reported.
	// +optional
	Status SettlementRunStatus `json:"status,omitempty,omitzero"`
}

// SettlementRunSpec says what is run.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a run cannot be changed: make another"
type SettlementRunSpec struct {
	// scheduleRef names the SettlementSchedule.
	// +required
	ScheduleRef LocalReference `json:"scheduleRef,omitempty,omitzero"`

	// regionRef names the Region.
	// +required
	RegionRef LocalReference `json:"regionRef,omitempty,omitzero"`
}

// RunPhase says how far a run is.
// +kubebuilder:validation:Enum=Pending;Closing;Netting;Instructing;Delivering;Settled;Failed
type RunPhase string

// The phases of a run.
const (
	// RunPending : asked for, not yet begun.
	RunPending RunPhase = "Pending"
	// RunClosing : the window takes no more bookings.
	RunClosing RunPhase = "Closing"
	// RunNetting : positions are being computed.
	RunNetting RunPhase = "Netting"
	// RunInstructing : messages are being written.
	RunInstructing RunPhase = "Instructing"
	// RunDelivering : messages are on their way, answers awaited.
	RunDelivering RunPhase = "Delivering"
	// RunSettled : ended well.
	RunSettled RunPhase = "Settled"
	// RunFailed : ended with an error; message says which.
	RunFailed RunPhase = "Failed"
)

// SettlementRunStatus is what the settler reported of a run.
// +kubebuilder:validation:MinProperties=1
type SettlementRunStatus struct {
	// conditions are Accepted, ResolvedRefs, Complete, Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// phase of the run.
	// +optional
	Phase RunPhase `json:"phase,omitempty"`

	// message explains the phase.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Message string `json:"message,omitempty"`

	// window that is settled.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Window string `json:"window,omitempty"`

	// openedTime is when the window opened.
	// +optional
	OpenedTime metav1.Time `json:"openedTime,omitempty,omitzero"`

	// closedTime is when it closed.
	// +optional
	ClosedTime metav1.Time `json:"closedTime,omitempty,omitzero"`

	// completionTime is when the run ended.
	// +optional
	CompletionTime metav1.Time `json:"completionTime,omitempty,omitzero"`

	// valueDate on which it is settled.
	// +optional
	ValueDate Date `json:"valueDate,omitempty"`

	// payments in the window.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Payments *int64 `json:"payments,omitempty"`

	// currencies sums up the window by currency.
	// +optional
	// +listType=map
	// +listMapKey=currency
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=200
	Currencies []RunCurrency `json:"currencies,omitempty"`

	// instructions that were written, at most the first 500; instructionCount says how many there are.
	// +optional
	// +listType=map
	// +listMapKey=messageID
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=500
	Instructions []RunInstruction `json:"instructions,omitempty"`

	// instructionCount is how many instructions were written.
	// +optional
	// +kubebuilder:validation:Minimum=0
	InstructionCount *int64 `json:"instructionCount,omitempty"`

	// breaks are what did not match, at most the first 100.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	Breaks []string `json:"breaks,omitempty"`
}

// RunAmount is an amount as the settler reported it, in major units.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=32
type RunAmount string

// RunCurrency is a window in one currency.
type RunCurrency struct {
	// currency of the sums.
	// +required
	Currency CurrencyCode `json:"currency,omitempty"`

	// gross is what was owed.
	// +required
	Gross RunAmount `json:"gross,omitempty"`

	// net is what is paid.
	// +required
	Net RunAmount `json:"net,omitempty"`

	// efficiencyBasisPoints is how much of the gross netting saved.
	// +optional
	EfficiencyBasisPoints *int64 `json:"efficiencyBasisPoints,omitempty"`
}

// RunInstruction is one settlement message.
type RunInstruction struct {
	// messageID as on the message.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	MessageID string `json:"messageID,omitempty"`

	// payer is the Participant that pays.
	// +required
	Payer ObjectName `json:"payer,omitempty"`

	// currency of the amount.
	// +required
	Currency CurrencyCode `json:"currency,omitempty"`

	// amount that is paid.
	// +required
	Amount RunAmount `json:"amount,omitempty"`

	// file is where it lies: a path below the worker's volume, or the endpoint it went to.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	File string `json:"file,omitempty"`

	// state of the message: Written, Delivered, Accepted, Rejected.
	// +required
	// +kubebuilder:validation:Enum=Written;Delivered;Accepted;Rejected
	State string `json:"state,omitempty"`
}

// SettlementRunList is a list of SettlementRun.
// +kubebuilder:object:root=true
type SettlementRunList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items of the list.
	Items []SettlementRun `json:"items"`
}
