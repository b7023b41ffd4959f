package plan

// API says how callers of the workers' API show who they are. A Region without one is open: whoever reaches it may do everything.
type API struct {
	Authentication []Authentication `json:"authentication"`
}

// The types of Authentication.
const (
	AuthenticationServiceAccount = "ServiceAccount"
	AuthenticationOIDC           = "OIDC"
)

// Authentication is one way to show who one is.
type Authentication struct {
	Name string `json:"name"`
	// Type: ServiceAccount, OIDC.
	Type string `json:"type"`
	// Audience that a token must be made for.
	Audience string `json:"audience"`
	// Issuer is OIDC's; UsernameClaim holds the subject, and ScopesClaim, where set, narrows a client's scopes.
	Issuer        string `json:"issuer,omitempty"`
	UsernameClaim string `json:"usernameClaim,omitempty"`
	ScopesClaim   string `json:"scopesClaim,omitempty"`
}

// Client is one that may use the workers' API.
type Client struct {
	Name string `json:"name"`
	// Authentication names the method; Subject is who it must say that it is.
	Authentication string `json:"authentication"`
	Subject        string `json:"subject"`
	// Scopes, such as payments:write; sorted.
	Scopes []string `json:"scopes"`
	// RateLimit in requests a second at each worker, with Burst; zero: none.
	RateLimit int32 `json:"rateLimit,omitempty"`
	Burst     int32 `json:"burst,omitempty"`
}
