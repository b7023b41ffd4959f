package calendar

import (
	"testing"
	"time"
)

// FuzzParseCutOff looks for a line that panics, or is admitted and never fires.
func FuzzParseCutOff(f *testing.F) {
	for _, s := range []string{"0 17 * * 1-5", "*/5 * * * *", "0 0 29 2 *", "TZ=X", "@daily", "0 0 30 2 *", "1-2/3 , * * ?", "0 0 L * *"} {
		f.Add(s, "Asia/Shanghai")
	}
	f.Add("0 2 * * *", "America/New_York")
	f.Fuzz(func(t *testing.T, line, zone string) {
		c, err := ParseCutOff(line, zone)
		if err != nil {
			return
		}
		at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
		next := c.Next(at)
		if !next.After(at) || c.Prev(next).After(at) {
			t.Fatalf("%q in %q: %v after %v, before that %v", line, zone, next, at, c.Prev(next))
		}
	})
}
