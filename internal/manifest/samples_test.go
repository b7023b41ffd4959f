package manifest

import (
	"slices"
	"testing"
	"time"

	"qiantang.dev/rails/internal/compile"
)

// now is when the tests' snapshots are taken: a day within the built-in calendars.
var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func TestTheSamplesAreValidAndServeThreeRegions(t *testing.T) {
	b, found, err := Load(t.Context(), "../../config/samples", now)
	if err != nil {
		t.Fatal(err)
	}
	result, found := b.Check(found)
	for _, f := range found {
		t.Error(f)
	}
	if b.Snapshot.Institution != "demo" || len(b.Ignored) != 0 {
		t.Errorf("institution %q, ignored %v", b.Snapshot.Institution, b.Ignored)
	}
	for region, corridor := range map[string]string{"us-east": "us-cn", "eu-frankfurt": "de-cn", "cn-hangzhou": "cn-us"} {
		p := result.Regions[region].Plan
		if p == nil || len(p.Corridors) != 1 || p.Corridors[0].Name != corridor || p.Self != "qiantang-pay" {
			t.Fatalf("plan of %s: %+v", region, p)
		}
		if len(p.Providers) != 4 || len(p.Schedules) != 1 || len(p.Participants) != 7 {
			t.Errorf("plan of %s: %d providers, %d schedules, %d participants", region, len(p.Providers), len(p.Schedules), len(p.Participants))
		}
		d := result.Regions[region].Deployment
		if d.Namespace != "demo-"+region || d.Embedded == nil || d.Service.Type != "NodePort" {
			t.Errorf("deployment of %s: %+v", region, d)
		}
		if want := []string{"antom-credentials", "lianlian-credentials", "pingpong-credentials"}; !slices.Equal(d.Credentials, want) {
			t.Errorf("credentials of %s: %v", region, d.Credentials)
		}
	}
	if k := result.Regions["us-east"].Deployment.Kubeconfig; k == nil || k.Name != "us-east-kubeconfig" || k.Key != "kubeconfig" {
		t.Errorf("us-east is reached by %+v", k)
	}
	schedule := result.Regions["us-east"].Plan.Schedules[0]
	if !slices.Contains(schedule.Closed, "2026-12-31") || !slices.Contains(schedule.Closed, "2027-10-01") {
		t.Errorf("the institution's own closing or National Day is missing: %v", schedule.Closed)
	}
	for ref, v := range result.Verdicts {
		if ref.Kind != compile.KindCalendar && ref.Name != "t2" && len(v.Regions) == 0 {
			t.Errorf("%s is served nowhere", ref)
		}
	}
}
