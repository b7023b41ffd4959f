package settle

import (
	"fmt"
	"strings"
	"time"
)

// KindWindow is the kind of the ledger's window records; KindRun that of the records that lead from a run's name to its window.
const (
	KindWindow = "window"
	KindRun    = "run"
)

// The states of a window's record.
const (
	StateOpen       = "open"       // takes obligations
	StateClosing    = "closing"    // takes none any more; to be netted
	StateNetted     = "netted"     // positions and instructions are fixed; files to be written
	StateInstructed = "instructed" // files are written; to be delivered and answered
	StateSettled    = "settled"    // final: accepted and booked
	StateFailed     = "failed"     // final: at least one instruction was rejected; the others are booked
)

// WindowKey names the k-th window (from 1) of a schedule that ends at the cut-off. A second one exists only where a run closed the
// first before its time.
func WindowKey(schedule string, cutOff time.Time, k int) string {
	return fmt.Sprintf("%s@%s#%d", schedule, cutOff.UTC().Format(time.RFC3339), k)
}

// ParseWindowKey is the opposite of WindowKey.
func ParseWindowKey(key string) (schedule string, cutOff time.Time, k int, err error) {
	bad := func(why string) (string, time.Time, int, error) {
		return "", time.Time{}, 0, fmt.Errorf("window %q: %s", key, why)
	}
	schedule, rest, ok := strings.Cut(key, "@")
	if !ok || schedule == "" {
		return bad("want <schedule>@<cut-off>#<number>")
	}
	at, num, ok := strings.Cut(rest, "#")
	if !ok {
		return bad("want <schedule>@<cut-off>#<number>")
	}
	if cutOff, err = time.Parse(time.RFC3339, at); err != nil {
		return bad("the cut-off is not an RFC 3339 time")
	}
	if _, err = fmt.Sscanf(num, "%d", &k); err != nil || k < 1 || fmt.Sprint(k) != num {
		return bad("the number must be 1 or more")
	}
	return schedule, cutOff.UTC(), k, nil
}

// newBody is the document of a window that opens now.
func newBody(r *regime, s *schedule, now, cutOff time.Time) windowBody {
	return windowBody{
		Institution: r.institution, Region: r.region, Schedule: s.Name, Opened: now.UTC(), CutOff: cutOff.UTC(), Terms: s.terms(cutOff),
	}
}
