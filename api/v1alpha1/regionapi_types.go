package v1alpha1

// RegionAPI says how the API of a region's workers is served, who may use it, for what, and how often.
// +kubebuilder:validation:XValidation:rule="self.clients.all(c, self.authentication.exists(m, m.name == c.authentication))",message="clients must each name, in authentication, a method that the region's authentication lists",fieldPath=".clients"
// +kubebuilder:validation:XValidation:rule="has(self.tls) || !self.authentication.exists(m, m.type == 'ClientCertificate')",message="tls must be set for authentication of type ClientCertificate: without TLS nobody can show a certificate",fieldPath=".authentication"
type RegionAPI struct {
	// tls serves the API by TLS, 1.2 or newer, and no longer by plain HTTP. Unset, by plain HTTP.
	// +optional
	TLS APITLS `json:"tls,omitempty,omitzero"`

	// authentication are the ways in which a client may show who it is. A token or certificate that none of them accepts is refused.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Authentication []APIAuthentication `json:"authentication,omitempty"`

	// clients are those that may use the API. Nobody else may, whatever token or certificate they have.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Clients []APIClient `json:"clients,omitempty"`
}

// APITLS is what the API is served with.
type APITLS struct {
	// secretRef is a Secret of type kubernetes.io/tls: tls.crt, the certificate with those between it and its authority, and tls.key. A new
	// key pair there is served without a restart; one that is no pair is refused, and the last good one goes on.
	// +required
	SecretRef LocalReference `json:"secretRef,omitempty,omitzero"`
}

// APIAuthenticationType says what a client shows.
// +kubebuilder:validation:Enum=ServiceAccount;OIDC;ClientCertificate
type APIAuthenticationType string

// The ways to authenticate.
const (
	// APIAuthenticationServiceAccount is a token of a ServiceAccount of the region's cluster, which its API server reviews.
	APIAuthenticationServiceAccount APIAuthenticationType = "ServiceAccount"
	// APIAuthenticationOIDC is a token that an OpenID Connect issuer has signed.
	APIAuthenticationOIDC APIAuthenticationType = "OIDC"
	// APIAuthenticationClientCertificate is a certificate that the client shows when it connects (mTLS).
	APIAuthenticationClientCertificate APIAuthenticationType = "ClientCertificate"
)

// APIAuthentication is one way to authenticate.
// +kubebuilder:validation:XValidation:rule="has(self.serviceAccount) == (self.type == 'ServiceAccount')",messageExpression="'serviceAccount must be set when type is ServiceAccount, and only then; type of ' + self.name + ' is ' + self.type"
// +kubebuilder:validation:XValidation:rule="has(self.oidc) == (self.type == 'OIDC')",messageExpression="'oidc must be set when type is OIDC, and only then; type of ' + self.name + ' is ' + self.type"
// +kubebuilder:validation:XValidation:rule="has(self.clientCertificate) == (self.type == 'ClientCertificate')",messageExpression="'clientCertificate must be set when type is ClientCertificate, and only then; type of ' + self.name + ' is ' + self.type"
type APIAuthentication struct {
	// name by which clients refer to it.
	// +required
	Name ObjectName `json:"name,omitempty"`

	// type is ServiceAccount, OIDC or ClientCertificate.
	// +required
	Type APIAuthenticationType `json:"type,omitempty"`

	// serviceAccount takes tokens of ServiceAccounts of the region's cluster.
	// +optional
	ServiceAccount APIServiceAccount `json:"serviceAccount,omitempty,omitzero"`

	// oidc takes tokens of an OpenID Connect issuer.
	// +optional
	OIDC APIIssuer `json:"oidc,omitempty,omitzero"`

	// clientCertificate takes certificates that clients show when they connect. It needs tls.
	// +optional
	ClientCertificate APIClientCertificate `json:"clientCertificate,omitempty,omitzero"`
}

// APIServiceAccount takes tokens of ServiceAccounts.
type APIServiceAccount struct {
	// audience that a token must be made for. One made for the API server, such as every pod has, is refused.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Audience string `json:"audience,omitempty"`
}

// APIIssuer takes tokens of an OpenID Connect issuer.
type APIIssuer struct {
	// issuerURL is the issuer, exactly as its tokens name it. Its keys are found below it, at /.well-known/openid-configuration.
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHostname() != '' && !self.contains('?') && !self.contains('#')",messageExpression="'issuerURL ' + self + ' must be a URL such as https://login.example, without query or fragment'"
	IssuerURL string `json:"issuerURL,omitempty"`

	// audience that a token must be made for.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Audience string `json:"audience,omitempty"`

	// usernameClaim is the claim that clients' subject is compared with. Unset, sub.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	UsernameClaim string `json:"usernameClaim,omitempty"`

	// scopesClaim is a claim, a list or words separated by blanks, that narrows a client's scopes to those that the token holds
	// too. Unset, the client's scopes alone count.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ScopesClaim string `json:"scopesClaim,omitempty"`

	// caSecretRef is a Secret whose key (unset: "ca.crt") holds the certificates (PEM) of the authorities that the issuer's own server
	// certificate must be of. Unset, those that the workers' image trusts: public ones.
	// +optional
	CASecretRef SecretKeyReference `json:"caSecretRef,omitempty,omitzero"`
}

// CertificateName says which of a certificate's names counts.
// +kubebuilder:validation:Enum=URI;DNS;CommonName
type CertificateName string

// The names that a certificate may have.
const (
	// CertificateURI is the one URI among the alternative names, such as spiffe://cluster.local/ns/shop/sa/checkout.
	CertificateURI CertificateName = "URI"
	// CertificateDNS is the one DNS name among the alternative names.
	CertificateDNS CertificateName = "DNS"
	// CertificateCommonName is the common name of the subject.
	CertificateCommonName CertificateName = "CommonName"
)

// APIClientCertificate takes certificates that clients show.
type APIClientCertificate struct {
	// caSecretRef is a Secret whose key (unset: "ca.crt") holds the certificates (PEM) of the authorities whose clients are taken. Only
	// that key is copied to the region.
	// +required
	CASecretRef SecretKeyReference `json:"caSecretRef,omitempty,omitzero"`

	// subjectFrom says which name of a certificate is the client's subject: URI, DNS or CommonName. A certificate must have exactly one of
	// the kind. Unset, URI.
	// +optional
	SubjectFrom CertificateName `json:"subjectFrom,omitempty"`
}

// APIScope is what a client may do.
// +kubebuilder:validation:Enum="quotes:read";"payments:read";"payments:write";"conversions:read";"conversions:write";"accounts:read";"accounts:write";"settlement:read";"ledger:read"
type APIScope string

// APIClient is one user of the API.
type APIClient struct {
	// name of the client in logs, metrics and refusals.
	// +required
	Name ObjectName `json:"name,omitempty"`

	// authentication names the method by which the client shows who it is. The same subject shown by another method is somebody else.
	// +required
	Authentication ObjectName `json:"authentication,omitempty"`

	// subject is who it is, exactly: "system:serviceaccount:<namespace>:<name>", the value of an issuer's usernameClaim, or the name in a
	// certificate that subjectFrom says.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Subject string `json:"subject,omitempty"`

	// scopes are what it may do: quotes:read (quotes, corridors), payments:read, payments:write, conversions:read,
	// conversions:write, accounts:read, accounts:write (accounts and deposits), settlement:read, ledger:read.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Scopes []APIScope `json:"scopes,omitempty"`

	// rateLimit bounds the client's requests at each worker. Unset, no limit.
	// +optional
	RateLimit APIRateLimit `json:"rateLimit,omitempty,omitzero"`
}

// APIRateLimit bounds requests a second. A batch is one request.
type APIRateLimit struct {
	// requestsPerSecond on average.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	RequestsPerSecond int32 `json:"requestsPerSecond,omitempty"`

	// burst at once. Unset, the same as requestsPerSecond.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	Burst int32 `json:"burst,omitempty"`
}
