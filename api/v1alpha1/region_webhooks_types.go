package v1alpha1

// RegionWebhook is an HTTP endpoint that the region's routers tell of payments, signed as Standard Webhooks has it.
type RegionWebhook struct {
	// name of the webhook. What is still to be delivered belongs to it: under another name, it is another webhook.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=23
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// url that is sent a POST for each event, over http or https. It is no secret: it has neither user nor password.
	// +required
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://[][a-zA-Z0-9.:-]+(/[^\s#]*)?$`
	URL string `json:"url,omitempty"`

	// secretRef is a Secret whose key (unset: "secret") holds what events are signed with: whsec_ and the base64 of 24 to 64 bytes.
	// Several, with blanks between, all sign, so that one can be exchanged for another.
	// +required
	SecretRef WebhookSecretReference `json:"secretRef,omitempty,omitzero"`

	// events that are told. Unset, all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Events []WebhookEvent `json:"events,omitempty"`
}

// WebhookSecretReference names one key of a Secret in the same namespace. The Secret is copied to the region with all its keys.
type WebhookSecretReference struct {
	// name of the Secret. It has no dots: what is copied to regions is keyed "name.key".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// key within the Secret. Unset, "secret".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`
}

// WebhookEvent is a step of a payment that webhooks are told of.
// +kubebuilder:validation:Enum=Accepted;Instructing;Exchanged;Paid;Rejected;Cancelled;Returned;Refunded
type WebhookEvent string

// The events.
const (
	// WebhookAccepted says that a payment is booked and waits for its time, or for a rail to open.
	WebhookAccepted WebhookEvent = "Accepted"
	// WebhookInstructing says that a provider is being told to pay; again with each failover.
	WebhookInstructing WebhookEvent = "Instructing"
	// WebhookExchanged says that the first leg by way of another currency is done.
	WebhookExchanged WebhookEvent = "Exchanged"
	// WebhookPaid says that the provider paid.
	WebhookPaid WebhookEvent = "Paid"
	// WebhookRejected says that nothing was paid and the money is the customer's again.
	WebhookRejected WebhookEvent = "Rejected"
	// WebhookCancelled says that the client took it back.
	WebhookCancelled WebhookEvent = "Cancelled"
	// WebhookReturned says that all of it came back.
	WebhookReturned WebhookEvent = "Returned"
	// WebhookRefunded says that part of it was given back.
	WebhookRefunded WebhookEvent = "Refunded"
)
