package compile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"qiantang.dev/rails/internal/plan"
)

// Change is one thing that differs between two results.
type Change struct {
	// Region where it changes.
	Region string
	// Kind and Name of the part of the plan; "Deployment" is what the workers run on.
	Kind, Name string
	Action     Action
	// Fields that differ, by path, where Action is Changed.
	Fields []FieldChange
}

// Action is what happens to a part of a plan.
type Action string

// The actions.
const (
	Added              Action = "added"
	Removed            Action = "removed"
	Changed            Action = "changed"
	Drained            Action = "draining"
	kindPool                  = "Deployment"
	kindWebhook               = "Webhook"
	kindAuthentication        = "Authentication"
	kindClient                = "Client"
)

// FieldChange is a field that differs; an empty side has no such field.
type FieldChange struct{ Path, Old, New string }

// Changes lists what differs between two results, by region, kind and name. Generations are not compared: they say nothing of what
// workers do.
func Changes(before, after Result) []Change {
	var out []Change
	regions := map[string]bool{}
	for name := range before.Regions {
		regions[name] = true
	}
	for name := range after.Regions {
		regions[name] = true
	}
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		b, hadIt := before.Regions[region]
		a, hasIt := after.Regions[region]
		switch {
		case !hasIt:
			out = append(out, Change{Region: region, Kind: KindRegion, Name: region, Action: Removed})
			continue
		case !hadIt:
			out = append(out, Change{Region: region, Kind: KindRegion, Name: region, Action: Added})
		default:
			if fields := differ(b.Deployment, a.Deployment); len(fields) > 0 {
				out = append(out, Change{Region: region, Kind: kindPool, Name: a.Deployment.Namespace, Action: Changed, Fields: fields})
			}
		}
		out = append(out, planChanges(region, b.Plan, a.Plan)...)
	}
	return out
}

func planChanges(region string, b, a *plan.Region) []Change {
	var empty plan.Region
	if b == nil {
		b = &empty
	}
	out := kindChanges(region, KindCorridor, b.Corridors, a.Corridors, func(c *plan.Corridor) string { return c.Name })
	for i := range out {
		j := slices.IndexFunc(a.Corridors, func(c plan.Corridor) bool { return c.Name == out[i].Name })
		if j >= 0 && a.Corridors[j].Draining {
			out[i].Action, out[i].Fields = Drained, nil
		}
	}
	if fields := differ(heading(b), heading(a)); b != &empty && len(fields) > 0 {
		out = append([]Change{{Region: region, Kind: KindRegion, Name: region, Action: Changed, Fields: fields}}, out...)
	}
	out = append(out, kindChanges(region, KindProvider, b.Providers, a.Providers, func(p *plan.Provider) string { return p.Name })...)
	out = append(out, kindChanges(region, KindRail, b.Rails, a.Rails, func(r *plan.Rail) string { return r.Name })...)
	out = append(out, kindChanges(region, KindSchedule, b.Schedules, a.Schedules, func(s *plan.Schedule) string { return s.Name })...)
	out = append(out, kindChanges(region, KindParticipant, b.Participants, a.Participants, func(p *plan.Participant) string { return p.Name })...)
	out = append(out, kindChanges(region, kindAuthentication, methods(b), methods(a), func(m *plan.Authentication) string { return m.Name })...)
	out = append(out, kindChanges(region, kindClient, b.Clients, a.Clients, func(c *plan.Client) string { return c.Name })...)
	out = append(out, kindChanges(region, kindWebhook, b.Webhooks, a.Webhooks, func(w *plan.Webhook) string { return w.Name })...)
	return out
}

// heading is what a plan says of the region itself.
func heading(r *plan.Region) plan.Region {
	out := plan.Region{Jurisdiction: r.Jurisdiction, Self: r.Self, Checkpoints: r.Checkpoints}
	if r.API != nil {
		out.API = &plan.API{TLS: r.API.TLS}
	}
	return out
}

func kindChanges[T any](region, kind string, before, after []T, name func(*T) string) []Change {
	b, a := byName(before, name), byName(after, name)
	names := map[string]bool{}
	for n := range b {
		names[n] = true
	}
	for n := range a {
		names[n] = true
	}
	var out []Change
	for _, n := range slices.Sorted(maps.Keys(names)) {
		c := Change{Region: region, Kind: kind, Name: n}
		switch {
		case a[n] == nil:
			c.Action = Removed
		case b[n] == nil:
			c.Action = Added
		default:
			if c.Fields = differ(b[n], a[n]); len(c.Fields) == 0 {
				continue
			}
			c.Action = Changed
		}
		out = append(out, c)
	}
	return out
}

// differ compares two values as JSON, field by field.
func differ(before, after any) []FieldChange {
	b, a := flatten(before), flatten(after)
	paths := map[string]bool{}
	for p := range b {
		paths[p] = true
	}
	for p := range a {
		paths[p] = true
	}
	delete(paths, "generation")
	var out []FieldChange
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		if b[p] != a[p] {
			out = append(out, FieldChange{Path: p, Old: b[p], New: a[p]})
		}
	}
	return out
}

// flatten writes a value as leaf texts by path. Lists of plain values are one leaf: that is how people read them.
func flatten(v any) map[string]string {
	out := map[string]string{}
	raw, err := json.Marshal(v)
	if err != nil {
		return out
	}
	var decoded any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return out
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				walk(strings.TrimPrefix(path+"."+k, "."), e)
			}
		case []any:
			if plainList(v) {
				out[path] = list(v)
				return
			}
			for i, e := range v {
				key := itoa(i)
				if m, ok := e.(map[string]any); ok {
					if s, ok := m["name"].(string); ok {
						key = s
					} else if s, ok := m["currency"].(string); ok {
						key = s
					}
				}
				walk(path+"["+key+"]", e)
			}
		default:
			out[path] = fmt.Sprint(v)
		}
	}
	walk("", decoded)
	return out
}

func plainList(v []any) bool {
	for _, e := range v {
		if _, ok := e.(map[string]any); ok {
			return false
		}
	}
	return true
}

func list(v []any) string {
	const show = 6
	parts := make([]string, 0, show+1)
	for i, e := range v {
		if i == show {
			parts = append(parts, fmt.Sprintf("… %d in all", len(v)))
			break
		}
		parts = append(parts, fmt.Sprint(e))
	}
	return strings.Join(parts, ", ")
}
