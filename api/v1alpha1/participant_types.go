package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Participant is a settlement counterparty: a bank, a provider, a scheme, or the institution itself.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:resource:path=participants,scope=Namespaced,shortName=ptp,categories=rails
// +kubebuilder:printcolumn:name="Legal-Name",type=string,JSONPath=`.spec.legalName`
// +kubebuilder:printcolumn:name="BIC",type=string,JSONPath=`.spec.bic`
// +kubebuilder:printcolumn:name="Role",type=string,JSONPath=`.spec.role`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="LEI",type=string,JSONPath=`.spec.lei`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",messageExpression="'name ' + self.metadata.name + ' is longer than 63 characters'"
type Participant struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted.
	// +required
	Spec ParticipantSpec `json:"spec,omitempty,omitzero"`

	// status is what the operator last saw.
	// +optional
	Status MemberStatus `json:"status,omitempty,omitzero"`
}

// ParticipantRole says who a participant is to us.
// +kubebuilder:validation:Enum=Self;Counterparty
type ParticipantRole string

// The roles of a participant.
const (
	// ParticipantSelf is the institution itself; at most one in a namespace.
	ParticipantSelf ParticipantRole = "Self"
	// ParticipantCounterparty is anybody else.
	ParticipantCounterparty ParticipantRole = "Counterparty"
)

// ParticipantSpec is who a participant is.
// +kubebuilder:validation:XValidation:rule="has(self.bic) || has(self.lei)",messageExpression="'bic or lei must be set: a settlement message must identify ' + self.legalName"
type ParticipantSpec struct {
	// legalName as on messages.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=140
	LegalName string `json:"legalName,omitempty"`

	// role is Self for the institution itself. Unset, Counterparty.
	// +optional
	Role ParticipantRole `json:"role,omitempty"`

	// bic is an ISO 9362 business identifier code of 8 or 11 characters.
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=11
	// +kubebuilder:validation:Pattern=`^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$`
	BIC string `json:"bic,omitempty"`

	// lei is an ISO 17442 legal entity identifier; its check digits are verified when compiling.
	// +optional
	// +kubebuilder:validation:MinLength=20
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:Pattern=`^[A-Z0-9]{18}[0-9]{2}$`
	LEI string `json:"lei,omitempty"`

	// country of the participant. Unset, the one in its BIC.
	// +optional
	Country CountryCode `json:"country,omitempty"`

	// accounts where it pays and is paid, one a currency.
	// +optional
	// +listType=map
	// +listMapKey=currency
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Accounts []SettlementAccount `json:"accounts,omitempty"`
}

// SettlementAccount is where a participant pays and is paid in one currency.
// +kubebuilder:validation:XValidation:rule="has(self.iban) != has(self.other)",messageExpression="'either iban or other must be set, not both, for the account in ' + self.currency"
type SettlementAccount struct {
	// currency of the account.
	// +required
	Currency CurrencyCode `json:"currency,omitempty"`

	// iban of the account; its check digits are verified when compiling.
	// +optional
	// +kubebuilder:validation:MinLength=15
	// +kubebuilder:validation:MaxLength=34
	// +kubebuilder:validation:Pattern=`^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$`
	IBAN string `json:"iban,omitempty"`

	// other identification of the account where there is no IBAN.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=34
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9-]+$`
	Other string `json:"other,omitempty"`

	// netDebitCap is the most that it may owe in one window. Unset, no cap.
	// +optional
	NetDebitCap DecimalAmount `json:"netDebitCap,omitempty"`
}

// ParticipantList is a list of Participant.
// +kubebuilder:object:root=true
type ParticipantList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items of the list.
	Items []Participant `json:"items"`
}
