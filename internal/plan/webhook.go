package plan

// Webhook is an HTTP endpoint that routers tell of payments. What it is signed with comes by another way: never in a plan.
type Webhook struct {
	// Name, at most 23 characters, tells one webhook's deliveries from another's.
	Name string `json:"name"`
	URL  string `json:"url"`
	// Credentials and Key say under which of the region's credentials, and there under which key, its signing secret is.
	Credentials string `json:"credentials"`
	Key         string `json:"key"`
	// Events that it is told: accepted, instructing, paid, rejected, cancelled, returned, refunded. Sorted; empty: all.
	Events []string `json:"events,omitempty"`
}
