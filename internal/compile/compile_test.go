package compile_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
	"qiantang.dev/rails/internal/plan"
)

func TestTheOrderOfResourcesDoesNotMatter(t *testing.T) {
	want := written(t, compile.Compile(snapshot(t, "testdata/base.yaml", "testdata/same-pair-and-region.in.yaml")), true)
	for seed := range uint64(20) {
		s := snapshot(t, "testdata/base.yaml", "testdata/same-pair-and-region.in.yaml")
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a shuffle
		r.Shuffle(len(s.Corridors), func(i, j int) { s.Corridors[i], s.Corridors[j] = s.Corridors[j], s.Corridors[i] })
		r.Shuffle(len(s.Participants), func(i, j int) { s.Participants[i], s.Participants[j] = s.Participants[j], s.Participants[i] })
		r.Shuffle(len(s.Rails), func(i, j int) { s.Rails[i], s.Rails[j] = s.Rails[j], s.Rails[i] })
		if got := written(t, compile.Compile(s), true); string(got) != string(want) {
			t.Fatalf("seed %d: differs:\n%s", seed, got)
		}
	}
}

func TestCompilingWhatIsServedChangesNothing(t *testing.T) {
	s := snapshot(t, "testdata/base.yaml", "testdata/complete.in.yaml")
	first := compile.Compile(s)
	s.Last = plans(first)
	second := compile.Compile(s)
	if a, b := first.Regions["us-east"].Plan.Revision, second.Regions["us-east"].Plan.Revision; a != b {
		t.Errorf("revision %s became %s", a, b)
	}
	if changes := compile.Changes(first, second); len(changes) > 0 {
		t.Errorf("changes: %+v", changes)
	}
}

func TestAChangeOfTheRegionItselfIsSaid(t *testing.T) {
	before := compile.Compile(snapshot(t, "testdata/base.yaml"))
	for in, path := range map[string]string{"checkpoints": "checkpoints.every", "api-tls": "api.tls"} {
		changes := compile.Changes(before, compile.Compile(snapshot(t, "testdata/base.yaml", "testdata/"+in+".in.yaml")))
		if !slices.ContainsFunc(changes, func(c compile.Change) bool {
			return c.Kind == compile.KindRegion && c.Name == "us-east" && c.Action == compile.Changed &&
				slices.ContainsFunc(c.Fields, func(f compile.FieldChange) bool { return f.Path == path && f.Old == "" })
		}) {
			t.Errorf("%s: %+v", in, changes)
		}
	}
}

func TestTheRevisionHoldsForAMonthAndMovesWithTheNext(t *testing.T) {
	at := func(day time.Time) string {
		s := snapshot(t, "testdata/base.yaml", "testdata/complete.in.yaml")
		s.Now = day
		return compile.Compile(s).Regions["us-east"].Plan.Revision
	}
	first := at(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	if last := at(time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)); last != first {
		t.Errorf("revision moved within the month: %s, %s", first, last)
	}
	if next := at(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)); next == first {
		t.Error("the horizon did not move with the month")
	}
}

func TestAProviderStaysWhilePaymentsThroughItMayBeUnderWay(t *testing.T) {
	s := snapshot(t, "testdata/base.yaml")
	s.Last = plans(compile.Compile(s))
	s.Providers = append(s.Providers, s.Providers[0])
	s.Providers[2].Name = "other"
	s.Corridors[0].Spec.Providers[0].Name = "other"
	p := compile.Compile(s).Regions["us-east"].Plan
	if !slices.ContainsFunc(p.Providers, func(e plan.Provider) bool { return e.Name == "pingpong" }) {
		t.Error("the corridor turned to another provider, and the one it had is gone")
	}
}

func TestAnUnknownRegionIsTakenToServeWhatIsBeingDeleted(t *testing.T) {
	s := snapshot(t, "testdata/base.yaml")
	at := metav1.NewTime(now)
	s.Corridors[0].DeletionTimestamp = &at
	r := compile.Compile(s)
	v := r.Verdicts[compile.Ref{Kind: compile.KindCorridor, Name: "us-cn"}]
	if c := r.Regions["us-east"].Plan.Corridors; len(c) != 1 || !c[0].Draining || !slices.Equal(v.Draining, []string{"us-east"}) {
		t.Errorf("corridors %+v, draining %v", c, v.Draining)
	}
	s.Last = map[string]*plan.Region{"us-east": nil}
	r = compile.Compile(s)
	v = r.Verdicts[compile.Ref{Kind: compile.KindCorridor, Name: "us-cn"}]
	if c := r.Regions["us-east"].Plan.Corridors; len(c) != 0 || len(v.Draining) != 0 {
		t.Errorf("never delivered, yet corridors %+v, draining %v", c, v.Draining)
	}
}

func TestARegionThatBecameInvalidGetsNoPlanAndHoldsItsCorridors(t *testing.T) {
	s := snapshot(t, "testdata/base.yaml")
	s.Last = plans(compile.Compile(s))
	s.Regions[0].Spec.Jurisdiction = "ZZ"
	at := metav1.NewTime(now)
	s.Corridors[0].DeletionTimestamp = &at
	r := compile.Compile(s)
	if len(r.Regions) != 0 {
		t.Errorf("plans %+v", r.Regions)
	}
	if v := r.Verdicts[compile.Ref{Kind: compile.KindCorridor, Name: "us-cn"}]; !slices.Equal(v.Draining, []string{"us-east"}) {
		t.Errorf("draining %v: the region still serves it", v.Draining)
	}
}

func TestAMessageStaysWithinBounds(t *testing.T) {
	s := snapshot(t, "testdata/base.yaml")
	for i := range 64 {
		s.Corridors[0].Spec.Providers = append(s.Corridors[0].Spec.Providers, v1alpha1.CorridorProvider{Name: v1alpha1.ObjectName(fmt.Sprintf("missing-%02d", i))})
	}
	v := compile.Compile(s).Verdicts[compile.Ref{Kind: compile.KindCorridor, Name: "us-cn"}]
	if len(v.Findings) != 64 || len(v.ResolvedRefs.Message) > 1200 || !strings.HasSuffix(v.ResolvedRefs.Message, " more") {
		t.Errorf("%d findings, message of %d: %s", len(v.Findings), len(v.ResolvedRefs.Message), v.ResolvedRefs.Message)
	}
}

// Whatever is edited, added or taken away, plans stay consistent, and what one step serves is a good start for the next.
func TestPlansStayConsistentThroughAnyHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := snapshot(t, "testdata/base.yaml")
		for i := range 3 {
			pc := s.Corridors[0].DeepCopy()
			pc.Name = fmt.Sprintf("c%d", i)
			s.Corridors = append(s.Corridors, *pc)
		}
		west := s.Regions[0].DeepCopy()
		west.Name = "us-west"
		s.Regions = append(s.Regions, *west)
		s.Last = map[string]*plan.Region{"us-east": nil, "us-west": nil}
		currency := rapid.SampledFrom([]v1alpha1.CurrencyCode{"USD", "CNY", "XXX"})
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			pc := &s.Corridors[rapid.IntRange(0, len(s.Corridors)-1).Draw(rt, "corridor")]
			pc.Generation++
			switch rapid.IntRange(0, 6).Draw(rt, "edit") {
			case 0:
				pc.Spec.Destination.Currency = currency.Draw(rt, "destination")
			case 1:
				pc.Spec.Rails[0].Name = rapid.SampledFrom([]v1alpha1.ObjectName{"cips", "fedwire", "none"}).Draw(rt, "rail")
			case 2:
				s.Rails[0].Spec.Currency = currency.Draw(rt, "rail currency")
			case 3:
				s.Providers[0].Spec.Pairs[0].Buy = currency.Draw(rt, "pair")
			case 4:
				pc.Spec.Regions = rapid.SampledFrom([][]v1alpha1.ObjectName{{"us-east"}, {"us-west"}, {"us-east", "us-west"}, {"none"}}).Draw(rt, "regions")
			case 5:
				pc.Spec.Destination.Country = rapid.SampledFrom([]v1alpha1.CountryCode{"CN", "HK"}).Draw(rt, "country")
			case 6:
				at := metav1.NewTime(now)
				pc.DeletionTimestamp = &at
			}
			r := compile.Compile(s)
			for _, region := range r.Regions {
				consistent(t, region.Plan)
			}
			if t.Failed() {
				rt.Fatalf("inconsistent")
			}
			for name, region := range r.Regions {
				s.Last[name] = region.Plan
			}
		}
	})
}

func many(tb testing.TB, corridors int) compile.Snapshot {
	tb.Helper()
	s := snapshot(tb, "testdata/base.yaml")
	west := s.Regions[0].DeepCopy()
	west.Name = "us-west"
	s.Regions = append(s.Regions, *west)
	template := s.Corridors[0]
	s.Corridors = make([]v1alpha1.PaymentCorridor, 0, corridors)
	countries := strings.Fields("AE AL AM AO AR AT AU AZ BA BB BD BE BG BH BJ BN BO BR BS BW BY BZ CA CH CI CL CM CN CO CR CY CZ DE DK DO DZ EC EE EG ES ET FI FJ FR GB GE GH GR GT HK HN " +
		"HR HU ID IE IL IN IQ IS IT JM JO JP KE KG KH KR KW KZ LA LB LK LT LU LV MA MD ME MG MK MM MN MO MT MU MV MX MY MZ NA NG NI NL NO NP NZ OM PA PE PH PK PL PT PY")
	for i := range corridors {
		pc := template.DeepCopy()
		pc.Name = fmt.Sprintf("corridor-%05d", i)
		// A country of its own at each end makes a pair that no other corridor has.
		pc.Spec.Source.Country = v1alpha1.CountryCode(countries[i%len(countries)])
		pc.Spec.Destination.Country = v1alpha1.CountryCode(countries[i/len(countries)%len(countries)])
		pc.Spec.Regions = []v1alpha1.ObjectName{v1alpha1.ObjectName([]string{"us-east", "us-west"}[i%2])}
		pc.Spec.FeeTiers = []v1alpha1.FeeTier{{From: "0", Fixed: "1.00"}}
		pc.Spec.Routing.Rules = []v1alpha1.RoutingRule{{
			Name: "large", When: fmt.Sprintf("payment.amount > %d", 1000*(1+i%50)), Action: v1alpha1.ActionDeny, Message: "too large",
		}}
		s.Corridors = append(s.Corridors, *pc)
	}
	return s
}

func BenchmarkCompileTenThousandCorridors(b *testing.B) {
	s := many(b, 10000)
	s.Last = plans(compile.Compile(s))
	for b.Loop() {
		r := compile.Compile(s)
		if n := len(r.Regions["us-east"].Plan.Corridors) + len(r.Regions["us-west"].Plan.Corridors); n != 10000 {
			b.Fatal(n)
		}
	}
}
