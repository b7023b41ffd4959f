package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SettlementSchedule says when settlement windows close, and how they are settled. What a CronJob is to a Job, it is to a
// SettlementRun.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:resource:path=settlementschedules,scope=Namespaced,shortName=ss,categories=rails
// +kubebuilder:printcolumn:name="Cut-offs",type=string,JSONPath=`.spec.cutOffs`
// +kubebuilder:printcolumn:name="Zone",type=string,JSONPath=`.spec.timeZone`
// +kubebuilder:printcolumn:name="Model",type=string,JSONPath=`.spec.model`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Last-Run",type=string,JSONPath=`.status.lastRun`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40",messageExpression="'name ' + self.metadata.name + ' is longer than 40 characters: runs are named after it'"
type SettlementSchedule struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted.
	// +required
	Spec SettlementScheduleSpec `json:"spec,omitempty,omitzero"`

	// status is what the operator last saw.
	// +optional
	Status SettlementScheduleStatus `json:"status,omitempty,omitzero"`
}

// CutOff is a cron line of five fields (minute, hour, day of month, month, day of week).
// +kubebuilder:validation:MinLength=9
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:Pattern=`^\S+ \S+ \S+ \S+ \S+$`
type CutOff string

// HolidayRule says what happens to a cut-off that falls on a day which is no business day.
// +kubebuilder:validation:Enum=Skip;NextBusinessDay;PreviousBusinessDay
type HolidayRule string

// The holiday rules.
const (
	// HolidaySkip leaves the cut-off out: the window stays open until the next.
	HolidaySkip HolidayRule = "Skip"
	// HolidayNext moves it to the same time of the next business day.
	HolidayNext HolidayRule = "NextBusinessDay"
	// HolidayPrevious moves it to the same time of the business day before.
	HolidayPrevious HolidayRule = "PreviousBusinessDay"
)

// SettlementModel says what is paid of what is owed.
// +kubebuilder:validation:Enum=Gross;BilateralNet;MultilateralNet
type SettlementModel string

// The settlement models.
const (
	// ModelGross pays every obligation by itself.
	ModelGross SettlementModel = "Gross"
	// ModelBilateralNet pays the difference between each two participants.
	ModelBilateralNet SettlementModel = "BilateralNet"
	// ModelMultilateralNet pays each participant's one net position.
	ModelMultilateralNet SettlementModel = "MultilateralNet"
)

// SettlementTiming says when what a run came to is instructed.
// +kubebuilder:validation:Enum=Immediate;Deferred
type SettlementTiming string

// The timings.
const (
	// TimingImmediate instructs at the cut-off.
	TimingImmediate SettlementTiming = "Immediate"
	// TimingDeferred instructs on the value date.
	TimingDeferred SettlementTiming = "Deferred"
)

// ScheduleState says whether a schedule closes windows by itself.
// +kubebuilder:validation:Enum=Active;Paused
type ScheduleState string

// The states of a schedule.
const (
	// ScheduleActive closes windows at each cut-off.
	ScheduleActive ScheduleState = "Active"
	// SchedulePaused closes them only when a SettlementRun asks for it.
	SchedulePaused ScheduleState = "Paused"
)

// SettlementScheduleSpec is what a schedule should be.
type SettlementScheduleSpec struct {
	// timeZone of the cut-offs and business days.
	// +required
	TimeZone TimeZone `json:"timeZone,omitempty"`

	// cutOffs are cron lines in timeZone; each firing closes the window that is open.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=24
	CutOffs []CutOff `json:"cutOffs,omitempty"`

	// builtInCalendars whose closed days are no business days.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	BuiltInCalendars []BuiltInCalendar `json:"builtInCalendars,omitempty"`

	// calendarRefs name BusinessCalendars whose closed days are no business days. A day must be one in every calendar.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	CalendarRefs []LocalReference `json:"calendarRefs,omitempty"`

	// holidayRule for a cut-off on a day that is no business day. Unset, Skip.
	// +optional
	HolidayRule HolidayRule `json:"holidayRule,omitempty"`

	// valueDateLagDays are business days from the cut-off to the value date. Unset, 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	ValueDateLagDays *int32 `json:"valueDateLagDays,omitempty"`

	// model says what is paid of what is owed.
	// +required
	Model SettlementModel `json:"model,omitempty"`

	// timing of the instructions. Unset, Immediate.
	// +optional
	Timing SettlementTiming `json:"timing,omitempty"`

	// messageFormat of the instructions. Unset, pacs.009.001.08.
	// +optional
	// +kubebuilder:validation:Enum=pacs.009.001.08
	MessageFormat MessageFormat `json:"messageFormat,omitempty"`

	// delivery of the instructions.
	// +required
	Delivery SettlementDelivery `json:"delivery,omitempty,omitzero"`

	// state is Active or Paused. Unset, Active.
	// +optional
	State ScheduleState `json:"state,omitempty"`
}

// DeliveryType says where instructions go.
// +kubebuilder:validation:Enum=Directory;Endpoint
type DeliveryType string

// The deliveries.
const (
	// DeliveryDirectory writes files on the worker's volume.
	DeliveryDirectory DeliveryType = "Directory"
	// DeliveryEndpoint posts them to a clearing system over HTTP, and keeps the files too.
	DeliveryEndpoint DeliveryType = "Endpoint"
)

// SettlementDelivery says where instructions go.
// +kubebuilder:validation:XValidation:rule="has(self.directory) == (self.type == 'Directory')",messageExpression="'directory must be set when type is Directory, and only then; type is ' + self.type"
// +kubebuilder:validation:XValidation:rule="has(self.endpoint) == (self.type == 'Endpoint')",messageExpression="'endpoint must be set when type is Endpoint, and only then; type is ' + self.type"
// +kubebuilder:validation:XValidation:rule="!has(self.endpoint) || isURL(self.endpoint) && url(self.endpoint).getScheme() in ['http', 'https'] && url(self.endpoint).getHostname().size() > 0",messageExpression="'endpoint ' + self.endpoint + ' must be an http or https URL'",fieldPath=".endpoint"
type SettlementDelivery struct {
	// type is Directory or Endpoint.
	// +required
	Type DeliveryType `json:"type,omitempty"`

	// directory below the worker's volume: a relative path none of whose parts begins with a dot.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`
	Directory string `json:"directory,omitempty"`

	// endpoint is the URL of the clearing system.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Endpoint string `json:"endpoint,omitempty"`
}

// SettlementScheduleStatus is what the operator last saw of a schedule.
// +kubebuilder:validation:MinProperties=1
type SettlementScheduleStatus struct {
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
	Effective SettlementScheduleEffective `json:"effective,omitempty,omitzero"`

	// lastRun is the name of the SettlementRun that last ended.
	// +optional
	LastRun ObjectName `json:"lastRun,omitempty"`
}

// SettlementScheduleEffective is what applies after defaults.
// +kubebuilder:validation:MinProperties=1
type SettlementScheduleEffective struct {
	// holidayRule for cut-offs on closed days.
	// +optional
	HolidayRule HolidayRule `json:"holidayRule,omitempty"`

	// timing of the instructions.
	// +optional
	Timing SettlementTiming `json:"timing,omitempty"`

	// messageFormat of the instructions.
	// +optional
	MessageFormat MessageFormat `json:"messageFormat,omitempty"`
}

// SettlementScheduleList is a list of SettlementSchedule.
// +kubebuilder:object:root=true
type SettlementScheduleList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items of the list.
	Items []SettlementSchedule `json:"items"`
}
