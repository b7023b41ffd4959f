package compile

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/plan"
)

// access is who may use a region's API; a nil api leaves it open. materials are what that needs of Secrets, with the field of each.
type access struct {
	api       *plan.API
	clients   []plan.Client
	materials []material
}

type material struct {
	plan.Material
	field string
}

func (a *access) need(field, as, name, key string) {
	a.materials = append(a.materials, material{plan.Material{In: plan.APIMaterial, As: as, Secret: plan.SecretKey{Name: name, Key: key}}, field})
}

func (f *findings) access(a *v1alpha1.RegionAPI) access {
	if len(a.Authentication) == 0 && len(a.Clients) == 0 {
		return access{}
	}
	out := access{api: &plan.API{}}
	if name := string(a.TLS.SecretRef.Name); name != "" {
		out.api.TLS = true
		out.need("spec.api.tls.secretRef.name", plan.MaterialCertificate, name, corev1.TLSCertKey)
		out.need("spec.api.tls.secretRef.name", plan.MaterialKey, name, corev1.TLSPrivateKeyKey)
	}
	subjectFrom := map[string]string{}
	names := map[string]bool{}
	for i := range a.Authentication {
		m := &a.Authentication[i]
		field := "spec.api.authentication[" + itoa(i) + "]"
		names[string(m.Name)] = true
		entry := plan.Authentication{Name: string(m.Name), Type: string(m.Type)}
		switch m.Type {
		case v1alpha1.APIAuthenticationServiceAccount:
			entry.Audience = m.ServiceAccount.Audience
		case v1alpha1.APIAuthenticationOIDC:
			entry.Audience, entry.Issuer = m.OIDC.Audience, m.OIDC.IssuerURL
			entry.UsernameClaim, entry.ScopesClaim = or(m.OIDC.UsernameClaim, defaultUsernameClaim), m.OIDC.ScopesClaim
			if ref := m.OIDC.CASecretRef; ref.Name != "" {
				entry.Authorities = true
				out.need(field+".oidc.caSecretRef.name", plan.MaterialAuthorities(entry.Name), ref.Name, or(ref.Key, defaultCAKey))
			}
		case v1alpha1.APIAuthenticationClientCertificate:
			ref := m.ClientCertificate.CASecretRef
			entry.Authorities = true
			entry.SubjectFrom = string(or(m.ClientCertificate.SubjectFrom, v1alpha1.CertificateURI))
			subjectFrom[entry.Name] = entry.SubjectFrom
			out.need(field+".clientCertificate.caSecretRef.name", plan.MaterialAuthorities(entry.Name), ref.Name, or(ref.Key, defaultCAKey))
			if !out.api.TLS {
				f.invalid(v1alpha1.ReasonInvalidValue, field+".type", string(m.Type), "spec.api.tls must be set: without TLS nobody can show a certificate")
			}
		}
		out.api.Authentication = append(out.api.Authentication, entry)
	}
	// Refused without one, or the API would be taken for open.
	if len(names) == 0 {
		f.invalid(v1alpha1.ReasonInvalidValue, "spec.api.authentication", "", "at least one method is needed")
	}
	type who struct{ authentication, subject string }
	first := map[who]v1alpha1.ObjectName{}
	for i := range a.Clients {
		c := &a.Clients[i]
		field := "spec.api.clients[" + itoa(i) + "]"
		if !names[string(c.Authentication)] {
			f.invalid(v1alpha1.ReasonInvalidValue, field+".authentication", string(c.Authentication), "no method of this name in spec.api.authentication")
		}
		if subjectFrom[string(c.Authentication)] == plan.CertificateURI {
			if u, err := url.Parse(c.Subject); err != nil || !u.IsAbs() || u.String() != c.Subject {
				f.invalid(v1alpha1.ReasonInvalidValue, field+".subject", c.Subject, "no URI such as spiffe://cluster.local/ns/shop/sa/checkout, as %q wants", c.Authentication)
			}
		}
		id := who{string(c.Authentication), c.Subject}
		if other, taken := first[id]; taken {
			f.invalid(v1alpha1.ReasonConflict, field+".subject", c.Subject, "is already client %q's", other)
			continue
		}
		first[id] = c.Name
		out.clients = append(out.clients, plan.Client{
			Name: string(c.Name), Authentication: string(c.Authentication), Subject: c.Subject, Scopes: slices.Sorted(slices.Values(texts(c.Scopes))),
			RateLimit: c.RateLimit.RequestsPerSecond, Burst: or(c.RateLimit.Burst, c.RateLimit.RequestsPerSecond),
		})
	}
	slices.SortFunc(out.clients, func(a, b plan.Client) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(out.api.Authentication, func(a, b plan.Authentication) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// methods are a plan's ways to authenticate.
func methods(r *plan.Region) []plan.Authentication {
	if r.API == nil {
		return nil
	}
	return r.API.Authentication
}
