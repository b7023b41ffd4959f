package settle

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"qiantang.dev/rails/internal/plan"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func daily() plan.Schedule {
	return plan.Schedule{
		Name: "shanghai-daily", Zone: "Asia/Shanghai", CutOffs: []string{"0 17 * * *"}, HolidayRule: "NextBusinessDay",
		ValueDateLag: 1, Model: ModelMultilateral, Timing: "Immediate", MessageFormat: "pacs.009.001.08",
	}
}

func TestWindowKeysReadBack(t *testing.T) {
	key := WindowKey("shanghai-daily", at("2026-11-23T17:00:00+08:00"), 2)
	if key != "shanghai-daily@2026-11-23T09:00:00Z#2" {
		t.Fatalf("key %q", key)
	}
	s, c, k, err := ParseWindowKey(key)
	if err != nil || s != "shanghai-daily" || !c.Equal(at("2026-11-23T09:00:00Z")) || k != 2 {
		t.Errorf("read back %q %v %d: %v", s, c, k, err)
	}
	for _, bad := range []string{"", "a", "a@b#1", "a@2026-11-23T09:00:00Z", "a@2026-11-23T09:00:00Z#0", "a@2026-11-23T09:00:00Z#01", "@2026-11-23T09:00:00Z#1"} {
		if _, _, _, err := ParseWindowKey(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestScheduledRunNamesAreLabelsAndDiffer(t *testing.T) {
	label := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	seen := map[string]bool{}
	for _, schedule := range []string{"shanghai-daily", strings.Repeat("long-name-", 6) + "a", strings.Repeat("long-name-", 6) + "b"} {
		for _, region := range []string{"us-east", "eu-frankfurt"} {
			for k := 1; k < 3; k++ {
				name, err := ScheduledRun(region, WindowKey(schedule, at("2026-11-23T09:00:00Z"), k))
				if err != nil || !label.MatchString(name) || len(name) > 63 || seen[name] {
					t.Errorf("run of %s in %s #%d: %q (%v)", schedule, region, k, name, err)
				}
				seen[name] = true
			}
		}
	}
	if _, err := ScheduledRun("us-east", "nonsense"); err == nil {
		t.Error("a run of nonsense was named")
	}
}

func TestValueDates(t *testing.T) {
	for _, c := range []struct {
		name, at, want string
		change         func(*plan.Schedule)
	}{
		{"next business day", "2026-11-23T17:00:00+08:00", "2026-11-24", func(*plan.Schedule) {}},
		{"over a weekend", "2026-11-27T17:00:00+08:00", "2026-11-30", func(*plan.Schedule) {}},
		{"over a closing", "2026-11-27T17:00:00+08:00", "2026-12-01", func(s *plan.Schedule) { s.Closed = []string{"2026-11-30"} }},
		{"same day", "2026-11-23T17:00:00+08:00", "2026-11-23", func(s *plan.Schedule) { s.ValueDateLag = 0 }},
		{"by hand on a Sunday", "2026-11-29T17:00:00+08:00", "2026-12-01", func(*plan.Schedule) {}},
		{"the zone's day counts", "2026-11-23T23:00:00Z", "2026-11-25", func(*plan.Schedule) {}},
	} {
		p := daily()
		c.change(&p)
		s, err := compileSchedule(p)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.valueDate(at(c.at)).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSchedulesThatCannotBeAreRefused(t *testing.T) {
	for name, change := range map[string]func(*plan.Schedule){
		"zone":    func(s *plan.Schedule) { s.Zone = "Asia/Hangzhou" },
		"cron":    func(s *plan.Schedule) { s.CutOffs = []string{"61 * * * *"} },
		"no line": func(s *plan.Schedule) { s.CutOffs = nil },
		"never":   func(s *plan.Schedule) { s.CutOffs = []string{"0 0 31 2 *"} },
		"rule":    func(s *plan.Schedule) { s.HolidayRule = "Maybe" },
		"model":   func(s *plan.Schedule) { s.Model = "Trilateral" },
		"days":    func(s *plan.Schedule) { s.WorkingDays = []string{"Someday"} },
		"closed":  func(s *plan.Schedule) { s.Closed = []string{"tomorrow"} },
	} {
		p := daily()
		change(&p)
		if _, err := newRegime(&plan.Region{Schedules: []plan.Schedule{p}}); err == nil || !strings.Contains(err.Error(), "shanghai-daily") {
			t.Errorf("%s: error %v, want one that names the schedule", name, err)
		}
	}
}
