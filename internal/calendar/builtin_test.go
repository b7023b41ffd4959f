package calendar

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// testdata is where reference data for comparison lies, or the test is skipped.
func testdata(t *testing.T, name string) map[Date]string {
	t.Helper()
	dir := os.Getenv("QIANTANG_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	b, err := os.ReadFile(filepath.Join(dir, "calendars", name+".json"))
	if err != nil {
		t.Skipf("no reference data: %v (set QIANTANG_TESTDATA)", err)
	}
	m := map[Date]string{}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestBuiltinCalendarsAreWellFormed(t *testing.T) {
	names := BuiltinNames()
	if len(names) < 24 || !slices.IsSorted(names) {
		t.Errorf("%d names", len(names))
	}
	for _, name := range names {
		c, ok := Builtin(name)
		if !ok || c.Source == "" || c.Title == "" {
			t.Errorf("%s: %v, %+v", name, ok, c)
		}
		if c.First != NewDate(2025, 1, 1) || c.Last != NewDate(2030, 12, 31) {
			t.Errorf("%s covers %v to %v", name, c.First, c.Last)
		}
		if !slices.IsSortedFunc(c.Closed, Date.Compare) || !slices.IsSortedFunc(c.Extra, Date.Compare) {
			t.Errorf("%s: not sorted", name)
		}
		for i, d := range c.Closed {
			if i > 0 && c.Closed[i-1] == d {
				t.Errorf("%s: %v twice", name, d)
			}
			if slices.Contains(c.Extra, d) {
				t.Errorf("%s: %v both closed and worked on", name, d)
			}
		}
		for _, d := range c.Extra {
			if MondayToFriday.Has(d.Weekday()) {
				t.Errorf("%s: make-up day %v is a weekday", name, d)
			}
		}
		for y := 2025; y <= 2030; y++ {
			if days := cut(c.Closed, NewDate(y, time.January, 1), NewDate(y, time.December, 31)); len(days) < 6 {
				t.Errorf("%s closes on %v only in %d", name, days, y)
			}
		}
		if !strings.HasPrefix(c.String(), c.Name+": ") {
			t.Error(c.String())
		}
	}
	if _, ok := Builtin("Atlantis"); ok {
		t.Error("found Atlantis")
	}
}

func TestChinaMakesUpForEveryBridgeDay(t *testing.T) {
	cn, _ := Builtin("CN")
	for d, what := range testdata(t, "CN") {
		b := cn.Business()
		if y, _, _ := d.YMD(); y > 2026 {
			continue
		}
		from, ok := strings.CutPrefix(what, "Day off (substituted from ")
		if !ok {
			continue
		}
		made, err := time.Parse("01/02/2006", strings.TrimSuffix(from, ")"))
		if err != nil {
			t.Fatal(err)
		}
		if b.IsBusinessDay(d) || !b.IsBusinessDay(DateOf(made)) {
			t.Errorf("%v is off for %v", d, made)
		}
	}
}

// observances are days that the reference lists and on which that country's payment systems are open.
var observances = map[string][]string{
	"CN": {"Women", "Youth", "Children", "Army"},
	"US": {"Mourning", "Groundhog", "Valentine", "Patrick", "Good Friday", "Easter", "Mother", "Father", "Halloween", "Eve", "Day After Christmas",
		"Independence Day (observed)", "Election"},
	"BR": {"Ash", "Public Serv", "Eve"},
	"TH": {"Children", "Aviation", "Forest", "Teacher", "Ramkhamhaeng", "Armed", "Veterans", "Artist", "Women", "Ploughing", "Lent", "Science",
		"Flag", "Loy"},
	"TR": {"from 1pm"}, "PH": {"Iglesia", "EDSA"},
}

func TestBuiltinAgreesWithTheReferenceOnWeekdays(t *testing.T) {
	// India's reference lists every state's days, so that only what it names in every year can be compared.
	for _, name := range []string{"AE", "AU", "BR", "CA", "CH", "CN", "GB", "HK", "ID", "JP", "KR", "MX", "MY", "NZ", "PH", "SG", "TH", "TR", "US", "VN", "XECB", "ZA"} {
		t.Run(name, func(t *testing.T) {
			ref := testdata(t, name)
			c, _ := Builtin(name)
			b := c.Business()
			for d, what := range ref {
				if !MondayToFriday.Has(d.Weekday()) || !b.IsBusinessDay(d) {
					continue
				}
				// The Federal Reserve does not move a Saturday's holiday to Friday.
				if name == "US" && d.Weekday() == time.Friday && strings.Contains(what, "(observed)") {
					continue
				}
				for part := range strings.SplitSeq(what, ";") {
					if !slices.ContainsFunc(observances[name], func(s string) bool { return strings.Contains(part, s) }) {
						t.Errorf("%v: open on %s", d, what)
					}
				}
			}
		})
	}
}

func TestUnitedStatesAreOpenOnTheFridayBeforeASaturdayHoliday(t *testing.T) {
	us, _ := Builtin("Fedwire")
	b := us.Business()
	for s, open := range map[string]bool{
		"2026-07-03": true, "2027-06-18": true, "2027-12-24": true, "2027-12-31": true, "2028-11-10": true,
		"2027-07-05": false, "2029-11-12": false, "2026-11-26": false,
	} {
		if b.IsBusinessDay(date(t, s)) != open {
			t.Errorf("%s: open %v", s, !open)
		}
	}
}

func TestBetweenCutsAndSaysWhereItEnds(t *testing.T) {
	c, _ := Builtin("CN")
	closed, extra, err := c.Between(NewDate(2026, 10, 1), NewDate(2026, 10, 31))
	if err != nil || len(closed) != 7 || len(extra) != 1 {
		t.Errorf("%v %v %v", closed, extra, err)
	}
	if _, _, err := c.Between(NewDate(2030, 10, 1), NewDate(2031, 10, 31)); err == nil {
		t.Error("2031 passed")
	}
	if closed, _, err := c.Between(NewDate(2032, 1, 1), NewDate(2031, 1, 1)); err == nil || len(closed) != 0 {
		t.Errorf("an empty span: %v, %v", closed, err)
	}
}
