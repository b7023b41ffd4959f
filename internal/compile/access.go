package compile

import (
	"cmp"
	"slices"
	"strings"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/plan"
)

// access is who may use a region's API; a nil api leaves it open.
type access struct {
	api     *plan.API
	clients []plan.Client
}

func (f *findings) access(a *v1alpha1.RegionAPI) access {
	if len(a.Authentication) == 0 && len(a.Clients) == 0 {
		return access{}
	}
	out := access{api: &plan.API{}}
	names := map[string]bool{}
	for i := range a.Authentication {
		m := &a.Authentication[i]
		names[string(m.Name)] = true
		entry := plan.Authentication{Name: string(m.Name), Type: string(m.Type)}
		switch m.Type {
		case v1alpha1.APIAuthenticationServiceAccount:
			entry.Audience = m.ServiceAccount.Audience
		case v1alpha1.APIAuthenticationOIDC:
			entry.Audience, entry.Issuer = m.OIDC.Audience, m.OIDC.IssuerURL
			entry.UsernameClaim, entry.ScopesClaim = or(m.OIDC.UsernameClaim, defaultUsernameClaim), m.OIDC.ScopesClaim
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
