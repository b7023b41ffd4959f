package v1alpha1

// CountryCode is an ISO 3166-1 alpha-2 country, or EU, which ISO reserves for the European Union and its systems.
// +kubebuilder:validation:MinLength=2
// +kubebuilder:validation:MaxLength=2
// +kubebuilder:validation:Pattern=`^[A-Z]{2}$`
type CountryCode string

// CurrencyCode is an ISO 4217 alphabetic code. Offshore renminbi is CNY, as it is on the wire; CNH is refused when compiling.
// +kubebuilder:validation:MinLength=3
// +kubebuilder:validation:MaxLength=3
// +kubebuilder:validation:Pattern=`^[A-Z]{3}$`
type CurrencyCode string

// DecimalAmount is an amount of money in major units as a plain decimal string: "1250.00". At most 16 digits before the
// point, and no more after it than the currency has (checked when compiling).
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=21
// +kubebuilder:validation:Pattern=`^(0|[1-9][0-9]{0,15})(\.[0-9]{1,4})?$`
type DecimalAmount string

// Duration is a span of time as Gateway API writes it: "500ms", "30s", "1m30s", "2h".
// +kubebuilder:validation:MinLength=2
// +kubebuilder:validation:MaxLength=24
// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
type Duration string

// TimeZone is a name of the IANA time zone database: "Asia/Shanghai", "America/New_York", "UTC".
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=64
// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9_+/-]*$`
type TimeZone string

// ObjectName is the name of a resource in the same namespace.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
type ObjectName string

// Weekday is a day of the week in three letters.
// +kubebuilder:validation:Enum=Mon;Tue;Wed;Thu;Fri;Sat;Sun
type Weekday string

// Date is a calendar day, YYYY-MM-DD.
// +kubebuilder:validation:MinLength=10
// +kubebuilder:validation:MaxLength=10
// +kubebuilder:validation:Pattern=`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`
type Date string

// BuiltInCalendar names closings that Qiantang itself knows: an ISO 3166-1 alpha-2 country's public holidays (with its
// make-up working days), XECB for the TARGET closing days, or a system such as Fedwire, CIPS or T2.
// +kubebuilder:validation:MinLength=2
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9]{1,15}$`
type BuiltInCalendar string

// PurposeCode is an ISO 20022 external purpose code, such as GDDS (goods) or SCVE (services).
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=4
// +kubebuilder:validation:Pattern=`^[A-Z0-9]{1,4}$`
type PurposeCode string

// MessageFormat is an ISO 20022 message identification, such as pacs.008.001.08.
// +kubebuilder:validation:MinLength=15
// +kubebuilder:validation:MaxLength=15
// +kubebuilder:validation:Pattern=`^[a-z]{4}\.[0-9]{3}\.[0-9]{3}\.[0-9]{2}$`
type MessageFormat string

// LocalReference names a resource in the same namespace; the field that holds it says of which kind.
type LocalReference struct {
	// name of the resource.
	// +required
	Name ObjectName `json:"name,omitempty"`
}

// SecretReference names a Secret in the same namespace whose every key is used.
type SecretReference struct {
	// name of the Secret. It has no dots: what is copied to regions is keyed "name.key".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`
}

// SecretKeyReference names one key of a Secret in the same namespace.
type SecretKeyReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// key within the Secret. Unset, it is the one that the field holding this reference names.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`
}

// AmountLimits bounds one payment, both ends included.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || quantity(self.min).compareTo(quantity(self.max)) <= 0",messageExpression="'min ' + self.min + ' is more than max ' + self.max",fieldPath=".min"
type AmountLimits struct {
	// min is the least amount of one payment. Unset, any amount above zero.
	// +optional
	Min DecimalAmount `json:"min,omitempty"`

	// max is the most that one payment may be. Unset, no limit.
	// +optional
	Max DecimalAmount `json:"max,omitempty"`
}
