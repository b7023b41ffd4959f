package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// PaymentRail is a clearing system or wallet scheme to pay out on.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:resource:path=paymentrails,scope=Namespaced,shortName=rail,categories=rails
// +kubebuilder:printcolumn:name="System",type=string,JSONPath=`.spec.system`
// +kubebuilder:printcolumn:name="Country",type=string,JSONPath=`.spec.country`
// +kubebuilder:printcolumn:name="Currency",type=string,JSONPath=`.spec.currency`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",messageExpression="'name ' + self.metadata.name + ' is longer than 63 characters'"
type PaymentRail struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted.
	// +required
	Spec PaymentRailSpec `json:"spec,omitempty,omitzero"`

	// status is what the operator last saw.
	// +optional
	Status MemberStatus `json:"status,omitempty,omitzero"`
}

// RailSystem is a clearing system or wallet scheme.
// +kubebuilder:validation:Enum=CIPS;CNAPSHVPS;CNAPSBEPS;ECNY;Fedwire;FedNow;CHIPS;T2;SCTInst;SCT;CHAPS;FPS;CHATS;FAST;PromptPay;UPI;Pix;SPEI;Zengin;BOJNET;AlipayPlus;Other
type RailSystem string

// RailFinality says when a payment on a rail cannot be undone.
// +kubebuilder:validation:Enum=Immediate;Deferred
type RailFinality string

// The finalities.
const (
	// FinalityImmediate : final when the system confirms it (real-time gross, instant).
	FinalityImmediate RailFinality = "Immediate"
	// FinalityDeferred : final after the system's own netting.
	FinalityDeferred RailFinality = "Deferred"
)

// PaymentRailSpec is what a rail is.
type PaymentRailSpec struct {
	// system is the clearing system or scheme.
	// +required
	System RailSystem `json:"system,omitempty"`

	// country whose system it is; EU for the euro's systems.
	// +required
	Country CountryCode `json:"country,omitempty"`

	// currency that it pays in.
	// +required
	Currency CurrencyCode `json:"currency,omitempty"`

	// operatingHours within which it takes payments. Unset, always.
	// +optional
	OperatingHours OperatingHours `json:"operatingHours,omitempty,omitzero"`

	// limits of one payment, in currency. Unset, none.
	// +optional
	Limits AmountLimits `json:"limits,omitempty,omitzero"`

	// finality is Immediate or Deferred.
	// +required
	Finality RailFinality `json:"finality,omitempty"`

	// messageFormat that the system speaks, such as pacs.008.001.08. Unset, the provider's own.
	// +optional
	MessageFormat MessageFormat `json:"messageFormat,omitempty"`

	// expectedDuration from the instruction to the beneficiary's account, within operating hours. Unset, unknown: such a
	// rail comes last where the fastest is wanted.
	// +optional
	ExpectedDuration Duration `json:"expectedDuration,omitempty"`
}

// OperatingHours are weekly openings, less closed days.
type OperatingHours struct {
	// timeZone of the openings and of the calendars' days.
	// +required
	TimeZone TimeZone `json:"timeZone,omitempty"`

	// openings of the week.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=21
	Openings []Opening `json:"openings,omitempty"`

	// builtInCalendars whose closed days close the rail too.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	BuiltInCalendars []BuiltInCalendar `json:"builtInCalendars,omitempty"`

	// calendarRefs name BusinessCalendars whose closed days close the rail too.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	CalendarRefs []LocalReference `json:"calendarRefs,omitempty"`
}

// ClockTime is a time of day, HH:MM, 00:00 to 24:00.
// +kubebuilder:validation:MinLength=5
// +kubebuilder:validation:MaxLength=5
// +kubebuilder:validation:Pattern=`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`
type ClockTime string

// Opening is a weekly span. A close at or before the open is on the following day.
// +kubebuilder:validation:XValidation:rule="self.open != '24:00'",message="open cannot be 24:00: use 00:00 of the following day"
type Opening struct {
	// days on which it opens.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=7
	Days []Weekday `json:"days,omitempty"`

	// open is when it opens.
	// +required
	Open ClockTime `json:"open,omitempty"`

	// close is when it closes.
	// +required
	Close ClockTime `json:"close,omitempty"`
}

// MemberStatus is the status of what corridors use: rails, providers, participants, calendars.
// +kubebuilder:validation:MinProperties=1
type MemberStatus struct {
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
}

// PaymentRailList is a list of PaymentRail.
// +kubebuilder:object:root=true
type PaymentRailList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items of the list.
	Items []PaymentRail `json:"items"`
}
