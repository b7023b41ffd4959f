package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BusinessCalendar is an institution's own closings and working days over the built-in calendars.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:resource:path=businesscalendars,scope=Namespaced,shortName=bcal,categories=rails
// +kubebuilder:printcolumn:name="Built-In",type=string,JSONPath=`.spec.builtInCalendars`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",messageExpression="'name ' + self.metadata.name + ' is longer than 63 characters'"
type BusinessCalendar struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted.
	// +required
	Spec BusinessCalendarSpec `json:"spec,omitempty,omitzero"`

	// status is what the operator last saw.
	// +optional
	Status MemberStatus `json:"status,omitempty,omitzero"`
}

// BusinessCalendarSpec says which days are business days. The later counts more: builtInCalendars, closings, workingDays.
// +kubebuilder:validation:MinProperties=1
type BusinessCalendarSpec struct {
	// builtInCalendars to begin with. A day must be a business day in each. Unset, none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	BuiltInCalendars []BuiltInCalendar `json:"builtInCalendars,omitempty"`

	// workingWeek are the days of the week that are worked. Unset, Mon to Fri.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=7
	WorkingWeek []Weekday `json:"workingWeek,omitempty"`

	// closings are days that are not worked, whatever the built-in calendars say.
	// +optional
	// +listType=map
	// +listMapKey=date
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=500
	Closings []CalendarDay `json:"closings,omitempty"`

	// workingDays are days that are worked, whatever the week and the built-in calendars say.
	// +optional
	// +listType=map
	// +listMapKey=date
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=500
	WorkingDays []CalendarDay `json:"workingDays,omitempty"`
}

// CalendarDay is a day and why it is special.
type CalendarDay struct {
	// date of the day.
	// +required
	Date Date `json:"date,omitempty"`

	// reason for people to read.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Reason string `json:"reason,omitempty"`
}

// BusinessCalendarList is a list of BusinessCalendar.
// +kubebuilder:object:root=true
type BusinessCalendarList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items of the list.
	Items []BusinessCalendar `json:"items"`
}
