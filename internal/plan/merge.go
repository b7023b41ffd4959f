package plan

import (
	"cmp"
	"fmt"
	"slices"
)

// Merge makes one region's plan of several of the same institution, so that one process can serve them all. Members are told apart by
// name; a member that several regions have is taken once. The result is sealed.
func Merge(name string, regions ...*Region) (*Region, error) {
	out := &Region{Name: name}
	for _, r := range regions {
		if out.Institution != "" && out.Institution != r.Institution {
			return nil, fmt.Errorf("plans of two institutions, %q and %q, cannot be merged", out.Institution, r.Institution)
		}
		out.Institution = r.Institution
		out.Jurisdiction = cmp.Or(out.Jurisdiction, r.Jurisdiction)
		out.Self = cmp.Or(out.Self, r.Self)
		out.Corridors = join(out.Corridors, r.Corridors, func(c Corridor) string { return c.Name })
		out.Providers = join(out.Providers, r.Providers, func(p Provider) string { return p.Name })
		out.Rails = join(out.Rails, r.Rails, func(p Rail) string { return p.Name })
		out.Participants = join(out.Participants, r.Participants, func(p Participant) string { return p.Name })
		if out.Checkpoints == nil {
			out.Checkpoints = r.Checkpoints
		}
		if r.API != nil {
			// Where one region is closed, the whole is.
			if out.API == nil {
				out.API = &API{}
			}
			out.API.TLS = out.API.TLS || r.API.TLS
			out.API.Authentication = join(out.API.Authentication, r.API.Authentication, func(a Authentication) string { return a.Name })
		}
		out.Clients = join(out.Clients, r.Clients, func(c Client) string { return c.Name })
		out.Schedules = join(out.Schedules, r.Schedules, func(s Schedule) string { return s.Name })
		out.Webhooks = join(out.Webhooks, r.Webhooks, func(w Webhook) string { return w.Name })
	}
	return out, Seal(out)
}

func join[T any](a, b []T, name func(T) string) []T {
	for _, x := range b {
		if !slices.ContainsFunc(a, func(y T) bool { return name(y) == name(x) }) {
			a = append(a, x)
		}
	}
	slices.SortFunc(a, func(x, y T) int { return cmp.Compare(name(x), name(y)) })
	return a
}
