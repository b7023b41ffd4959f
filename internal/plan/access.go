package plan

// API says how the workers' API is served, and how its callers show who they are. A Region without one is open: whoever reaches it may do
// everything.
type API struct {
	// TLS serves nothing by plain HTTP. The key pair comes with the credentials, as a Material.
	TLS            bool             `json:"tls,omitempty"`
	Authentication []Authentication `json:"authentication"`
}

// The types of Authentication.
const (
	AuthenticationServiceAccount    = "ServiceAccount"
	AuthenticationOIDC              = "OIDC"
	AuthenticationClientCertificate = "ClientCertificate"
)

// The names of a certificate that Authentication.SubjectFrom may say.
const (
	CertificateURI        = "URI"
	CertificateDNS        = "DNS"
	CertificateCommonName = "CommonName"
)

// Authentication is one way to show who one is.
type Authentication struct {
	Name string `json:"name"`
	// Type: ServiceAccount, OIDC, ClientCertificate.
	Type string `json:"type"`
	// Audience that a token must be made for.
	Audience string `json:"audience,omitempty"`
	// Issuer is OIDC's; UsernameClaim holds the subject, and ScopesClaim, where set, narrows a client's scopes.
	Issuer        string `json:"issuer,omitempty"`
	UsernameClaim string `json:"usernameClaim,omitempty"`
	ScopesClaim   string `json:"scopesClaim,omitempty"`
	// SubjectFrom is ClientCertificate's: which name of a certificate is the subject.
	SubjectFrom string `json:"subjectFrom,omitempty"`
	// Authorities says that certificates of authorities come with the credentials, as a Material: those whose clients are taken, or that
	// the issuer's server must be of. An issuer without them is reached with those that the system trusts.
	Authorities bool `json:"authorities,omitempty"`
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
