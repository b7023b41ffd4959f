package compile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/plan"
)

var update = flag.Bool("update", false, "write testdata/*.out.yaml anew")

// now is a day within the built-in calendars.
var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// Each case is base.yaml, changed by NAME.in.yaml; NAME.last.yaml, where there is one, is what was served before. NAME.out.yaml is
// what comes of it.
func TestCompileGivesWhatTheGoldenFilesSay(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	for _, in := range cases {
		name := strings.TrimSuffix(filepath.Base(in), ".in.yaml")
		t.Run(name, func(t *testing.T) {
			s := snapshot(t, "testdata/base.yaml", in)
			if last := strings.Replace(in, ".in.", ".last.", 1); exists(last) {
				s.Last = plans(compile.Compile(snapshot(t, last)))
			}
			got := written(t, compile.Compile(s), name == "complete")
			out := strings.Replace(in, ".in.", ".out.", 1)
			if *update {
				if err := os.WriteFile(out, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("differs from %s (go test -update writes it anew); got:\n%s", out, got)
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// plans are what regions were last given: those of an earlier result, and nothing elsewhere.
func plans(r compile.Result) map[string]*plan.Region {
	out := map[string]*plan.Region{"us-west": nil}
	for name, p := range r.Regions {
		out[name] = p.Plan
	}
	return out
}

// document is as much of a resource as tells what it is.
type document struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name        string            `json:"name"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	StringData map[string]string `json:"stringData"`
}

// snapshot reads files; later documents take the place of earlier ones.
func snapshot(t testing.TB, files ...string) compile.Snapshot {
	t.Helper()
	raw := map[compile.Ref][]byte{}
	var order []compile.Ref
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range bytes.Split(b, []byte("\n---\n")) {
			var d document
			if err := yaml.Unmarshal(doc, &d); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if d.Kind == "" {
				continue
			}
			ref := compile.Ref{Kind: d.Kind, Name: d.Metadata.Name}
			if raw[ref] == nil {
				order = append(order, ref)
			}
			raw[ref] = doc
			if d.Metadata.Annotations["absent"] != "" {
				raw[ref] = nil
			}
		}
	}
	s := compile.Snapshot{Institution: "demo", Now: now, Secrets: map[string][]string{}}
	for _, ref := range order {
		if raw[ref] != nil {
			add(t, &s, ref, raw[ref])
		}
	}
	return s
}

func add(t testing.TB, s *compile.Snapshot, ref compile.Ref, doc []byte) {
	t.Helper()
	switch ref.Kind {
	case compile.KindRegion:
		s.Regions = append(s.Regions, read[v1alpha1.Region](t, doc))
	case compile.KindRail:
		s.Rails = append(s.Rails, read[v1alpha1.PaymentRail](t, doc))
	case compile.KindProvider:
		s.Providers = append(s.Providers, read[v1alpha1.FXProvider](t, doc))
	case compile.KindCorridor:
		s.Corridors = append(s.Corridors, read[v1alpha1.PaymentCorridor](t, doc))
	case compile.KindSchedule:
		s.Schedules = append(s.Schedules, read[v1alpha1.SettlementSchedule](t, doc))
	case compile.KindParticipant:
		s.Participants = append(s.Participants, read[v1alpha1.Participant](t, doc))
	case compile.KindCalendar:
		s.Calendars = append(s.Calendars, read[v1alpha1.BusinessCalendar](t, doc))
	case "Secret":
		keys := []string{}
		for k := range read[document](t, doc).StringData {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		s.Secrets[ref.Name] = keys
	default:
		t.Fatalf("%s: no such kind", ref)
	}
}

func read[T any](t testing.TB, doc []byte) T {
	t.Helper()
	var v T
	if err := yaml.Unmarshal(doc, &v); err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	return v
}

// written is a result for people to read in a review: verdicts, and plans whole or as names.
func written(t *testing.T, r compile.Result, whole bool) []byte {
	t.Helper()
	out := map[string]any{}
	verdicts := map[string]any{}
	for ref, v := range r.Verdicts {
		m := map[string]any{}
		if !v.Accepted.OK {
			m["accepted"] = v.Accepted.Reason + ": " + v.Accepted.Message
		}
		if !v.ResolvedRefs.OK {
			m["resolvedRefs"] = v.ResolvedRefs.Reason + ": " + v.ResolvedRefs.Message
		}
		for key, list := range map[string][]string{"regions": v.Regions, "lastGood": v.LastGood, "draining": v.Draining} {
			if len(list) > 0 {
				m[key] = list
			}
		}
		if whole {
			m["effective"] = v.Effective
		}
		verdicts[ref.String()] = m
	}
	out["verdicts"] = verdicts
	regions := map[string]any{}
	for name, region := range r.Regions {
		p := region.Plan
		consistent(t, p)
		m := map[string]any{"deployment": region.Deployment, "corridors": p.Corridors, "self": p.Self}
		if whole {
			m = map[string]any{"deployment": region.Deployment, "plan": p}
		} else {
			m["rails"], m["providers"], m["schedules"] = p.Rails, p.Providers, p.Schedules
			var participants []string
			for _, e := range p.Participants {
				participants = append(participants, e.Name+" "+e.BIC)
			}
			m["participants"] = participants
			if p.API != nil {
				m["api"], m["clients"] = p.API, p.Clients
			}
			if p.Checkpoints != nil {
				m["checkpoints"] = p.Checkpoints
			}
		}
		regions[name] = m
	}
	out["regions"] = regions
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = yaml.JSONToYAML(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// consistent checks what every plan must be: sealed, readable, and whole in itself.
func consistent(t testing.TB, p *plan.Region) {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Decode(b); err != nil {
		t.Errorf("workers would refuse it: %v", err)
	}
	rails, providers, schedules, participants := map[string]string{}, map[string]plan.Provider{}, map[string]bool{"": true}, map[string]bool{"": true}
	for _, r := range p.Rails {
		rails[r.Name] = r.Currency
	}
	for _, e := range p.Providers {
		providers[e.Name] = e
	}
	for _, e := range p.Schedules {
		schedules[e.Name] = true
	}
	for _, e := range p.Participants {
		participants[e.Name] = true
	}
	type pair struct {
		ends       [4]string
		conversion bool
	}
	pairs := map[pair]string{}
	for _, c := range p.Corridors {
		for _, r := range c.Rails {
			if rails[r] != c.DestinationCurrency {
				t.Errorf("corridor %s: rail %s pays %q", c.Name, r, rails[r])
			}
		}
		for _, m := range c.Providers {
			leads := slices.ContainsFunc(providers[m.Name].Pairs, func(p plan.Pair) bool {
				return p.Sell == c.SourceCurrency && (p.Buy == c.DestinationCurrency || someTakes(providers, c.Providers, p.Buy, c.DestinationCurrency)) ||
					p.Buy == c.DestinationCurrency && someTakes(providers, c.Providers, c.SourceCurrency, p.Sell)
			})
			if !leads {
				t.Errorf("corridor %s: provider %s takes neither its pair nor a leg that another's completes", c.Name, m.Name)
			}
		}
		if !schedules[c.Schedule] {
			t.Errorf("corridor %s: no schedule %s", c.Name, c.Schedule)
		}
		if c.Conversion != (len(c.Rails) == 0) {
			t.Errorf("corridor %s: conversion is %v, rails are %v", c.Name, c.Conversion, c.Rails)
		}
		p := pair{[4]string{c.SourceCountry, c.SourceCurrency, c.DestinationCountry, c.DestinationCurrency}, c.Conversion}
		if other := pairs[p]; other != "" && !c.Draining {
			t.Errorf("corridors %s and %s both take %v", other, c.Name, p)
		}
		if !c.Draining {
			pairs[p] = c.Name
		}
	}
	for _, e := range p.Providers {
		if !participants[e.Participant] {
			t.Errorf("provider %s: no participant %s", e.Name, e.Participant)
		}
	}
	if !participants[p.Self] {
		t.Errorf("self %s is no participant", p.Self)
	}
}

func someTakes(providers map[string]plan.Provider, members []plan.RouteMember, sell, buy string) bool {
	return slices.ContainsFunc(members, func(m plan.RouteMember) bool {
		return slices.Contains(providers[m.Name].Pairs, plan.Pair{Sell: sell, Buy: buy})
	})
}
