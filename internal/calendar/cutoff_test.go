package calendar

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"pgregory.net/rapid"
)

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func cutOff(t *testing.T, line, zone string) CutOff {
	t.Helper()
	c, err := ParseCutOff(line, zone)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseCutOffRefuses(t *testing.T) {
	for _, tc := range []struct{ line, zone, say string }{
		{"0 0 30 2 *", "UTC", "never fires"}, {"0 0 31 4,6,9,11 *", "UTC", "never fires"},
		{"@every 1h", "UTC", "five fields"}, {"@reboot", "UTC", "five fields"}, {"@daily", "UTC", "five fields"},
		{"TZ=UTC 0 0 * * *", "UTC", "five fields"}, {"TZ=UTC", "UTC", "five fields"}, {"CRON_TZ=X", "UTC", "five fields"},
		{"0 0 0 * * *", "UTC", "five fields"}, {"0 0 * *", "UTC", "five fields"}, {"", "UTC", "five fields"},
		{"60 0 * * *", "UTC", "60"}, {"0 24 * * *", "UTC", "24"}, {"x 0 * * *", "UTC", "x"}, {"5-1 * * * *", "UTC", "range"},
		{strings.Repeat("0,", 100) + "0 * * * *", "UTC", "five fields"},
		{"0 0 * * *", "Asia/Hangzhou", "Asia/Hangzhou"}, {"0 0 * * *", "", "IANA"}, {"0 0 * * *", "Local", "IANA"},
		{"0 0 * * *", "../etc/passwd", "IANA"}, {"0 0 * * *", strings.Repeat("x", 1000), "IANA"},
	} {
		if c, err := ParseCutOff(tc.line, tc.zone); err == nil || !strings.Contains(err.Error(), tc.say) {
			t.Errorf("ParseCutOff(%q, %q) = %v, %v; want an error with %q", tc.line, tc.zone, c, err, tc.say)
		}
	}
	for _, line := range []string{"0 0 29 2 *", "0 0 30 2 1", "0 0 31 * *", "*/7 9-17/2 * jan,jul MON-FRI", "0 17 * * 1-5", "? * ? * ?"} {
		if _, err := ParseCutOff(line, "Asia/Shanghai"); err != nil {
			t.Errorf("ParseCutOff(%q): %v", line, err)
		}
	}
	if got := (CutOff{}).Next(moment(t, "2026-01-01T00:00:00Z")); !got.IsZero() {
		t.Error("no cut-off fires")
	}
	if got := (CutOff{}).Prev(moment(t, "2026-01-01T00:00:00Z")); !got.IsZero() {
		t.Error("no cut-off fired")
	}
}

func TestCutOffsOverClockChanges(t *testing.T) {
	for _, tc := range []struct {
		line, zone, from string
		want             []string
		why              string
	}{
		{"30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z",
			[]string{"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}, "skipped: at the change"},
		{"*/20 2 * * *", "America/New_York", "2026-03-08T06:59:59Z",
			[]string{"2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z"}, "several skipped are one"},
		{"0 2,3 * * *", "America/New_York", "2026-03-08T06:59:59Z",
			[]string{"2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z"}, "skipped meets the next"},
		{"30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z",
			[]string{"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}, "repeated: the first"},
		{"15 * * * *", "America/New_York", "2026-11-01T04:30:00Z",
			[]string{"2026-11-01T05:15:00Z", "2026-11-01T07:15:00Z"}, "the repeated hour has no second firing"},
		{"0 0 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z",
			[]string{"2011-12-30T10:00:00Z", "2012-12-29T10:00:00Z"}, "Samoa skipped a whole day"},
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z",
			[]string{"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}, "half an hour repeated"},
		{"0 17 * * 1-5", "Asia/Shanghai", "2026-11-20T09:00:00Z",
			[]string{"2026-11-23T09:00:00Z", "2026-11-24T09:00:00Z"}, "no clock changes"},
		{"0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}, "eight years"},
	} {
		c := cutOff(t, tc.line, tc.zone)
		at := moment(t, tc.from)
		var fired []time.Time
		for _, want := range tc.want {
			at = c.Next(at)
			fired = append(fired, at)
			if !at.Equal(moment(t, want)) {
				t.Errorf("%s in %s: %v, want %s: %s", tc.line, tc.zone, at.UTC(), want, tc.why)
			}
		}
		for i := len(fired) - 1; i > 0; i-- {
			if got := c.Prev(fired[i]); !got.Equal(fired[i-1]) {
				t.Errorf("%s in %s: before %v is %v, want %v", tc.line, tc.zone, fired[i], got, fired[i-1])
			}
		}
	}
}

var someZones = []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Shanghai",
	"America/St_Johns", "Antarctica/Troll", "America/Sao_Paulo", "Asia/Kolkata"}

var anyLine = rapid.Custom(func(t *rapid.T) string {
	field := func(name string, low, high int) string {
		n := rapid.IntRange(low, high).Draw(t, name)
		switch rapid.IntRange(0, 3).Draw(t, name+" as") {
		case 0:
			return fmt.Sprint(n)
		case 1:
			return fmt.Sprintf("%d-%d", n, high)
		case 2:
			return fmt.Sprintf("*/%d", max(1, n))
		default:
			return "*"
		}
	}
	return field("minute", 0, 59) + " " + field("hour", 0, 23) + " " + field("dom", 1, 28) + " " + field("month", 1, 12) + " " + field("dow", 0, 6)
})

func TestNextAndPrevAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := ParseCutOff(anyLine.Draw(t, "line"), rapid.SampledFrom(someZones).Draw(t, "zone"))
		if err != nil {
			t.Skip(err)
		}
		at := time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "at"), 0)
		next := c.Next(at)
		if !next.After(at) {
			t.Fatalf("%s: %v is not after %v", c, next, at)
		}
		if between := c.Next(at.Add(next.Sub(at) / 2)); !between.Equal(next) && next.Sub(at) > time.Second {
			t.Fatalf("%s: from %v %v, from half-way %v", c, at, next, between)
		}
		if prev := c.Prev(next); prev.After(at) {
			t.Fatalf("%s: %v lies between %v and its next %v", c, prev, at, next)
		} else if back := c.Next(prev); !back.Equal(next) {
			t.Fatalf("%s: next of %v is %v, want %v", c, prev, back, next)
		}
	})
}

func TestNextAgreesWithCronWhereClocksDoNotChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := ParseCutOff(anyLine.Draw(t, "line"), "Asia/Shanghai")
		if err != nil {
			t.Skip(err)
		}
		spec := *c.spec
		spec.Location = c.loc
		var s cron.Schedule = &spec
		at := time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "at"), 0)
		for range 3 {
			got, want := c.Next(at), s.Next(at.In(c.loc))
			if want.IsZero() {
				t.Skip("cron looks five years ahead only")
			}
			if !got.Equal(want) {
				t.Fatalf("%s after %v: %v, cron says %v", c, at, got, want)
			}
			at = got
		}
	})
}

func TestEveryFiringShowsItsWallTimeOrIsAtAChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc, _ := ParseZone(rapid.SampledFrom(someZones).Draw(t, "zone"))
		d := NewDate(2005, 1, 1).AddDays(rapid.IntRange(0, 12000).Draw(t, "day"))
		minute := rapid.IntRange(0, 1439).Draw(t, "minute")
		at := d.At(minute, loc)
		want := wall{(int64(d.n)-unixEpoch)*86400 + int64(minute)*60}
		if wallOf(at) == want {
			if earlier := at.Add(-time.Hour); wallOf(earlier) == want {
				t.Fatalf("%v %d in %v: %v shows it before %v", d, minute, loc, earlier, at)
			}
			return
		}
		if before := wallOf(at.Add(-time.Second)); before.sec >= want.sec || wallOf(at).sec <= want.sec {
			t.Fatalf("%v %d in %v: %v neither shows it nor jumps over it", d, minute, loc, at)
		}
	})
}

func TestScheduleMovesCutOffsOverHolidays(t *testing.T) {
	cn, _ := Builtin("CN")
	for _, tc := range []struct {
		lines []string
		rule  HolidayRule
		from  string
		want  []string
	}{
		{[]string{"0 17 * * *"}, Skip, "2026-09-29T00:00:00Z", []string{"2026-09-29", "2026-09-30", "2026-10-08", "2026-10-09", "2026-10-10", "2026-10-12"}},
		{[]string{"0 17 * * *"}, "", "2026-09-30T10:00:00Z", []string{"2026-10-08"}},
		{[]string{"0 17 1 * *"}, NextBusinessDay, "2026-09-29T00:00:00Z", []string{"2026-10-08", "2026-11-02"}},
		{[]string{"0 17 1 * *"}, PreviousBusinessDay, "2026-09-29T00:00:00Z", []string{"2026-09-30", "2026-10-30", "2026-12-01"}},
		{[]string{"0 17 1 * *", "0 17 2 * *"}, NextBusinessDay, "2026-09-29T00:00:00Z", []string{"2026-10-08", "2026-11-02", "2026-12-01"}},
	} {
		s, err := NewSchedule(tc.lines, "Asia/Shanghai", cn.Business(), tc.rule)
		if err != nil {
			t.Fatal(err)
		}
		at, fired := moment(t, tc.from), []time.Time{}
		for _, want := range tc.want {
			at = s.Next(at)
			fired = append(fired, at)
			if !at.Equal(moment(t, want+"T09:00:00Z")) || s.BusinessDate(at) != date(t, want) {
				t.Errorf("%v %s: %v, want %s", tc.lines, tc.rule, at, want)
			}
		}
		for i := len(fired) - 1; i > 0; i-- {
			if got := s.Prev(fired[i]); !got.Equal(fired[i-1]) {
				t.Errorf("%v %s: before %v is %v, want %v", tc.lines, tc.rule, fired[i], got, fired[i-1])
			}
		}
	}
}

func TestNewScheduleRefuses(t *testing.T) {
	b := NewBusiness(0, nil, nil)
	for _, tc := range []struct {
		lines []string
		zone  string
		rule  HolidayRule
	}{
		{nil, "UTC", Skip}, {[]string{"0 0 30 2 *"}, "UTC", Skip}, {[]string{"0 0 * * *"}, "Mars/Base", Skip},
		{[]string{"0 0 * * *"}, "UTC", "Ignore"}, {[]string{"0 0 * * 6"}, "UTC", Skip},
	} {
		if _, err := NewSchedule(tc.lines, tc.zone, b, tc.rule); err == nil {
			t.Errorf("%v passed", tc)
		}
	}
	if s, err := NewSchedule([]string{"0 0 * * 6"}, "UTC", b, NextBusinessDay); err != nil || s.Next(moment(t, "2026-11-19T00:00:00Z")).Weekday() != time.Monday {
		t.Errorf("Saturday's cut-off moves to Monday: %v", err)
	}
}
