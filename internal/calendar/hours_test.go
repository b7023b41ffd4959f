package calendar

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var weekdays = []string{"Mon", "Tue", "Wed", "Thu", "Fri"}

func hours(t *testing.T, zone string, o []Opening, calendar string) *Hours {
	t.Helper()
	var closed, extra []string
	if c, ok := Builtin(calendar); ok {
		for _, d := range c.Closed {
			closed = append(closed, d.String())
		}
		for _, d := range c.Extra {
			extra = append(extra, d.String())
		}
	}
	h, err := ParseHours(zone, o, closed, extra)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHoursOfClearingSystems(t *testing.T) {
	hvps := hours(t, "Asia/Shanghai", []Opening{{Days: []string{"Sun", "Mon", "Tue", "Wed", "Thu"}, Open: "20:30", Close: "17:30"}}, "CN")
	fedwire := hours(t, "America/New_York", []Opening{{Days: []string{"Sun", "Mon", "Tue", "Wed", "Thu"}, Open: "21:00", Close: "19:00"}}, "US")
	t2 := hours(t, "Europe/Berlin", []Opening{{Days: weekdays, Open: "02:30", Close: "18:00"}}, "XECB")
	chats := hours(t, "Asia/Hong_Kong", []Opening{{Days: weekdays, Open: "08:30", Close: "05:00"}}, "HK")
	always := hours(t, "", nil, "")
	for _, tc := range []struct {
		name string
		h    *Hours
		at   string
		open bool
		next string
	}{
		{"hvps on Monday", hvps, "2026-11-23T17:29:59+08:00", true, ""},
		{"hvps at its close", hvps, "2026-11-23T17:30:00+08:00", false, "2026-11-23T20:30:00+08:00"},
		{"hvps on Sunday evening", hvps, "2026-11-22T20:30:00+08:00", true, ""},
		{"hvps on Friday evening", hvps, "2026-11-20T20:30:00+08:00", false, "2026-11-22T20:30:00+08:00"},
		{"hvps the evening before a holiday", hvps, "2026-09-30T21:00:00+08:00", false, "2026-10-07T20:30:00+08:00"},
		{"hvps on a make-up Saturday", hvps, "2026-10-10T10:00:00+08:00", true, ""},
		{"hvps the evening before a make-up Saturday", hvps, "2026-10-09T21:00:00+08:00", true, ""},
		{"fedwire on Friday 3 July 2026", fedwire, "2026-07-03T12:00:00-04:00", true, ""},
		{"fedwire over Labor Day", fedwire, "2026-09-06T22:00:00-04:00", false, "2026-09-07T21:00:00-04:00"},
		{"t2 in the morning", t2, "2026-11-23T02:29:59+01:00", false, "2026-11-23T02:30:00+01:00"},
		{"t2 at 02:30 that does not exist", t2, "2027-03-28T12:00:00+02:00", false, "2027-03-30T02:30:00+02:00"},
		{"chats after midnight", chats, "2026-11-24T04:59:59+08:00", true, ""},
		{"chats between", chats, "2026-11-24T05:00:00+08:00", false, "2026-11-24T08:30:00+08:00"},
		{"chats on Saturday before dawn is Friday's", chats, "2026-11-28T04:00:00+08:00", true, ""},
		{"chats the night before a holiday stays open", chats, "2026-10-01T04:00:00+08:00", true, ""},
		{"chats the night after a holiday", chats, "2026-10-02T04:00:00+08:00", false, "2026-10-02T08:30:00+08:00"},
		{"always", always, "2026-11-22T00:00:00Z", true, ""},
	} {
		at := moment(t, tc.at)
		if got := tc.h.IsOpen(at); got != tc.open {
			t.Errorf("%s: open %v", tc.name, got)
		}
		want := at
		if tc.next != "" {
			want = moment(t, tc.next)
		}
		if got, ok := tc.h.NextOpen(at); !ok || !got.Equal(want) {
			t.Errorf("%s: next open %v, want %v", tc.name, got, want)
		}
	}
}

func TestRoundTheClockWithClosedDays(t *testing.T) {
	h, err := ParseHours("Asia/Tokyo", nil, []string{"2026-11-23"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if h.IsOpen(moment(t, "2026-11-23T12:00:00+09:00")) || !h.IsOpen(moment(t, "2026-11-22T23:59:59+09:00")) {
		t.Error("a closed day is not closed")
	}
	if got, _ := h.NextOpen(moment(t, "2026-11-23T12:00:00+09:00")); !got.Equal(moment(t, "2026-11-24T00:00:00+09:00")) {
		t.Errorf("opens %v", got)
	}
	if h.Location().String() != "Asia/Tokyo" {
		t.Error(h.Location())
	}
}

func TestParseHoursRefuses(t *testing.T) {
	ok := Opening{Days: weekdays, Open: "09:00", Close: "17:00"}
	for _, tc := range []struct {
		zone   string
		o      Opening
		closed []string
		extra  []string
	}{
		{"", ok, nil, nil}, {"Nowhere/City", ok, nil, nil}, {"UTC", Opening{Open: "09:00", Close: "17:00"}, nil, nil},
		{"UTC", Opening{Days: []string{"Someday"}, Open: "09:00", Close: "17:00"}, nil, nil},
		{"UTC", Opening{Days: weekdays, Open: "9:00", Close: "17:00"}, nil, nil},
		{"UTC", Opening{Days: weekdays, Open: "09:00", Close: "24:30"}, nil, nil},
		{"UTC", Opening{Days: weekdays, Open: "09:60", Close: "10:00"}, nil, nil},
		{"UTC", Opening{Days: weekdays, Open: "-9:00", Close: "10:00"}, nil, nil},
		{"UTC", ok, []string{"x"}, nil}, {"UTC", ok, nil, []string{"x"}},
	} {
		if _, err := ParseHours(tc.zone, []Opening{tc.o}, tc.closed, tc.extra); err == nil {
			t.Errorf("%+v passed", tc)
		}
	}
}

func TestNeverOpenSaysSo(t *testing.T) {
	var closed []string
	for d := NewDate(2026, 1, 1); d.Before(NewDate(2028, 1, 1)); d = d.AddDays(1) {
		closed = append(closed, d.String())
	}
	h, err := ParseHours("UTC", nil, closed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := h.NextOpen(moment(t, "2026-06-01T00:00:00Z")); ok {
		t.Errorf("opens %v", at)
	}
}

func TestStateHoldsUntilItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := rapid.StringMatching(`([01][0-9]|2[0-3]):[0-5][0-9]`)
		var o []Opening
		for range rapid.IntRange(1, 3).Draw(t, "openings") {
			o = append(o, Opening{
				Days: []string{rapid.SampledFrom(weekdays).Draw(t, "day"), "Sat"}, Open: clock.Draw(t, "open"), Close: clock.Draw(t, "close"),
			})
		}
		h, err := ParseHours(rapid.SampledFrom(someZones).Draw(t, "zone"), o, []string{"2026-03-07"}, []string{"2026-03-08"})
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1772000000, 1774000000).Draw(t, "at"), 0)
		open, until := h.State(at)
		if !until.After(at) {
			t.Fatalf("holds until %v, asked at %v", until, at)
		}
		for i := range 20 {
			mid := at.Add(until.Sub(at) / 20 * time.Duration(i))
			if h.IsOpen(mid) != open {
				t.Fatalf("%v at %v and until %v, but not at %v", open, at, until, mid)
			}
		}
		if !open && !h.IsOpen(until) {
			t.Fatalf("closed at %v, said to open at %v", at, until)
		}
	})
}
