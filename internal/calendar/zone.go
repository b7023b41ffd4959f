package calendar

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// zones keeps the locations that were read: at most as many as the time zone database has.
var zones sync.Map

// ParseZone finds an IANA time zone, such as Asia/Shanghai. Local and the empty name are refused: what a plan means must not
// depend on the machine. Binaries that run on an image without a time zone database import time/tzdata.
func ParseZone(name string) (*time.Location, error) {
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location), nil
	}
	if name == "" || strings.EqualFold(name, "local") || len(name) > 64 {
		return nil, fmt.Errorf("time zone %.64q: want an IANA name such as Asia/Shanghai", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q does not exist: want an IANA name such as Asia/Shanghai", name)
	}
	// Names are not case-sensitive on every file system; the database's own spelling is the one that is kept.
	zones.Store(name, loc)
	return loc, nil
}

// wall is a reading of a wall clock: seconds since 1 January 1970, as if the wall were in UTC.
type wall struct{ sec int64 }

func wallOf(t time.Time) wall {
	_, off := t.Zone()
	return wall{t.Unix() + int64(off)}
}

func (w wall) date() (d Date, minute int) {
	days := w.sec / 86400
	rest := w.sec % 86400
	if rest < 0 {
		days, rest = days-1, rest+86400
	}
	return Date{n: int32(days + unixEpoch)}, int(rest / 60)
}

// in is the moment at which clocks in loc first show w, or, where they never do, at which they jump over it.
func (w wall) in(loc *time.Location) time.Time {
	guess := time.Unix(w.sec, 0).In(loc)
	_, off := guess.Zone()
	guess = time.Unix(w.sec-int64(off), 0).In(loc)
	start, end := guess.ZoneBounds()
	// Candidates are the offsets in force around the guess; the earliest moment that shows w wins.
	var best time.Time
	try := func(around time.Time) {
		_, o := around.Zone()
		t := time.Unix(w.sec-int64(o), 0).In(loc)
		if wallOf(t) == w && (best.IsZero() || t.Before(best)) {
			best = t
		}
	}
	try(guess)
	near := 26 * time.Hour
	if !start.IsZero() && guess.Sub(start) < near {
		try(start.Add(-time.Second))
		try(start)
	}
	if !end.IsZero() && end.Sub(guess) < near {
		try(end.Add(-time.Second))
		try(end)
	}
	if !best.IsZero() {
		return best
	}
	for _, change := range []time.Time{start, end} {
		if change.IsZero() {
			continue
		}
		before, after := wallOf(change.Add(-time.Second)), wallOf(change)
		if before.sec < w.sec && w.sec < after.sec {
			return change.In(loc)
		}
	}
	return guess
}
