package calendar

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func date(t *testing.T, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDateAgreesWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-5e10, 2e11).Draw(t, "sec"), 0).UTC()
		d := DateOf(at)
		if d.Weekday() != at.Weekday() || d.String() != at.Format(time.DateOnly) {
			t.Fatalf("%v is %v, %v", at, d, d.Weekday())
		}
		if got, err := ParseDate(d.String()); err != nil || got != d {
			t.Fatalf("%v reads back as %v, %v", d, got, err)
		}
		if d.AddDays(1).AddDays(-1) != d || !d.Before(d.AddDays(1)) {
			t.Fatal("order")
		}
	})
}

func TestParseDateRefuses(t *testing.T) {
	for _, s := range []string{"", "2026-02-29", "2026-13-01", "2026-1-1", "20260101", "2026-01-01T00:00:00Z", " 2026-01-01"} {
		if d, err := ParseDate(s); err == nil {
			t.Errorf("ParseDate(%q) = %v", s, d)
		}
	}
	if _, err := ParseDates([]string{"2026-01-01", "nope"}); err == nil {
		t.Error("a bad date in a list passed")
	}
}

func TestDateText(t *testing.T) {
	d := date(t, "2026-02-14")
	b, _ := d.MarshalText()
	var back Date
	if err := back.UnmarshalText(b); err != nil || back != d {
		t.Errorf("%s: %v, %v", b, back, err)
	}
	if err := back.UnmarshalText(nil); err != nil || !back.IsZero() || back.String() != "" {
		t.Errorf("no date: %v, %v", back, err)
	}
	if err := back.UnmarshalText([]byte("x")); err == nil {
		t.Error("read x")
	}
}

func TestMakeUpDaysAreWorkedOn(t *testing.T) {
	cn, _ := Builtin("CN")
	b := cn.Business()
	for s, want := range map[string]bool{
		"2026-02-14": true, "2026-02-15": false, "2026-02-23": false, "2026-02-24": true, "2026-02-28": true,
		"2026-10-07": false, "2026-10-10": true, "2026-10-11": false,
	} {
		if got := b.IsBusinessDay(date(t, s)); got != want {
			t.Errorf("%s: %v, want %v", s, got, want)
		}
	}
	if got := b.Next(date(t, "2026-02-14")); got != date(t, "2026-02-24") {
		t.Errorf("after the last day before Spring Festival comes %v", got)
	}
	if got := b.Prev(date(t, "2026-02-24")); got != date(t, "2026-02-14") {
		t.Errorf("before the first day after Spring Festival comes %v", got)
	}
	if got := b.ValueDate(date(t, "2026-02-13"), 2); got != date(t, "2026-02-24") {
		t.Errorf("value date %v", got)
	}
	if got := b.ValueDate(date(t, "2026-02-16"), 0); got != date(t, "2026-02-24") {
		t.Errorf("value date of a closed day %v", got)
	}
}

func TestClosedWinsOverExtra(t *testing.T) {
	d := date(t, "2026-02-14")
	if NewBusiness(0, []Date{d}, []Date{d}).IsBusinessDay(d) {
		t.Error("a day both closed and extra is worked on")
	}
}

func TestBusinessDayArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := NewDate(2026, 1, 1)
		draw := func(name string) []Date {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Date {
				return base.AddDays(rapid.IntRange(-40, 40).Draw(t, "day"))
			}), 0, 30).Draw(t, name)
		}
		b := NewBusiness(Week(rapid.IntRange(0, 127).Draw(t, "week")), draw("closed"), draw("extra"))
		d := base.AddDays(rapid.IntRange(-60, 60).Draw(t, "d"))
		n := rapid.IntRange(0, 20).Draw(t, "n")
		on := b.OnOrAfter(d)
		if !b.IsBusinessDay(on) || on.Before(d) {
			t.Fatalf("OnOrAfter(%v) = %v", d, on)
		}
		for x := d; x.Before(on); x = x.AddDays(1) {
			if b.IsBusinessDay(x) {
				t.Fatalf("OnOrAfter(%v) = %v jumps over %v", d, on, x)
			}
		}
		if got := b.Add(b.Add(on, n), -n); got != on {
			t.Fatalf("%v + %d - %d business days = %v", on, n, n, got)
		}
		if b.Prev(b.Next(on)) != on || b.Next(b.Prev(on)) != on {
			t.Fatalf("Next and Prev of %v do not undo each other", on)
		}
	})
}

func TestParseBusinessNamesWhatIsWrong(t *testing.T) {
	for _, tc := range []struct{ week, closed, extra []string }{
		{week: []string{"Monday"}}, {week: []string{"Mon", "Mon"}}, {closed: []string{"2026-02-30"}}, {extra: []string{"14.2.2026"}},
	} {
		if _, err := ParseBusiness(tc.week, tc.closed, tc.extra); err == nil {
			t.Errorf("%v passed", tc)
		}
	}
	b, err := ParseBusiness([]string{"Sun", "Mon"}, nil, nil)
	if err != nil || !b.IsBusinessDay(date(t, "2026-11-22")) || b.IsBusinessDay(date(t, "2026-11-24")) {
		t.Errorf("a week of Sunday and Monday: %v", err)
	}
	if s := MondayToFriday.String(); s != "Mon,Tue,Wed,Thu,Fri" || DayName(time.Sunday) != "Sun" {
		t.Error(s)
	}
}

func TestSpot(t *testing.T) {
	days := func(c string) Days {
		name := map[string]string{"USD": "US", "CNY": "CN", "EUR": "XECB", "JPY": "JP", "CAD": "CA", "MXN": "MX", "TRY": "TR", "HKD": "HK"}[c]
		cal, ok := Builtin(name)
		if !ok {
			t.Fatalf("no calendar for %s", c)
		}
		return cal.Business()
	}
	for _, tc := range []struct{ trade, sell, buy, want, why string }{
		{"2026-11-23", "EUR", "USD", "2026-11-25", "two days"},
		{"2026-11-23", "USD", "CAD", "2026-11-24", "USD/CAD is one day"},
		{"2026-11-23", "USD", "TRY", "2026-11-24", "USD/TRY is one day"},
		{"2026-11-23", "CAD", "CNY", "2026-11-25", "a cross takes the later leg's"},
		{"2026-11-20", "EUR", "USD", "2026-11-24", "over a weekend"},
		{"2026-11-24", "EUR", "USD", "2026-11-27", "not on Thanksgiving, which is the spot day"},
		{"2026-11-25", "EUR", "USD", "2026-11-27", "Thanksgiving on the first day does not push it"},
		{"2026-11-25", "USD", "MXN", "2026-11-30", "save for MXN"},
		{"2026-11-24", "EUR", "JPY", "2026-11-27", "a cross is not due on a USD holiday either"},
		{"2026-11-20", "USD", "JPY", "2026-11-25", "23 November is a holiday in Japan: pushed"},
		{"2026-09-29", "USD", "CNY", "2026-10-08", "over National Day"},
		{"2026-11-21", "CNY", "CNY", "2026-11-23", "one currency: the trade date or the next business day"},
	} {
		got, err := Spot(date(t, tc.trade), tc.sell, tc.buy, days)
		if err != nil || got != date(t, tc.want) {
			t.Errorf("%s/%s traded %s: spot %v, %v; want %s: %s", tc.sell, tc.buy, tc.trade, got, err, tc.want, tc.why)
		}
	}
	never := func(string) Days {
		return Joint{NewBusiness(1<<time.Monday, nil, nil), NewBusiness(1<<time.Tuesday, nil, nil)}
	}
	if _, err := Spot(date(t, "2026-11-23"), "USD", "CNY", never); !errors.Is(err, ErrNoCommonDay) {
		t.Errorf("calendars that share no day: %v", err)
	}
}

func TestTradeDateRollsInNewYork(t *testing.T) {
	for _, tc := range []struct {
		at   string
		pair []string
		want string
	}{
		{"2026-11-23T21:59:59Z", nil, "2026-11-23"}, {"2026-11-23T22:00:00Z", nil, "2026-11-24"},
		{"2026-07-23T20:59:59Z", nil, "2026-07-23"}, {"2026-07-23T21:00:00Z", nil, "2026-07-24"},
		{"2026-11-20T22:00:00Z", nil, "2026-11-23"}, {"2026-11-21T12:00:00Z", nil, "2026-11-23"},
		{"2026-11-23T17:59:59Z", []string{"NZD", "USD"}, "2026-11-23"}, {"2026-11-23T18:00:00Z", []string{"USD", "NZD"}, "2026-11-24"},
		{"2026-11-23T18:00:00Z", []string{"EUR", "NZD"}, "2026-11-23"},
	} {
		at, _ := time.Parse(time.RFC3339, tc.at)
		if got, err := TradeDate(at, tc.pair...); err != nil || got != date(t, tc.want) {
			t.Errorf("%s %v: %v, %v; want %s", tc.at, tc.pair, got, err, tc.want)
		}
	}
}
