package sim

import (
	"errors"
	"fmt"
	"time"

	"qiantang.dev/rails/internal/sim/judge"
)

// ruling is how an instruction was received.
type ruling int

const (
	taken    ruling = iota // now, or earlier with the same body
	conflict               // earlier with another body
	refused                // the check said no; nothing was done
	vanished               // the answer is lost; it may have been taken
)

// instruct enters an instruction: known IDs first, whatever has become of their rate; then the check; then the fates.
func (s *Simulator) instruct(c *call, r judge.Record, quote string, check func() error) (judge.Record, ruling, error) {
	r.Digest, r.Taken = c.digest(), c.now
	if old, v := s.book.Known(r.Key, r.Digest); v == judge.Conflict {
		return old, conflict, nil
	} else if v == judge.Repetition {
		return old, taken, nil
	}
	if err := checkID(r.ID); err != nil {
		return r, refused, err
	}
	if err := check(); err != nil {
		return r, refused, err
	}
	f, throw := c.faults, s.throws.Add(1)
	hit := func(kind string, bps int64, attempt uint64) bool {
		return bps > 0 && s.dice(c.provider, kind, r.ID, attempt) < bps
	}
	// What becomes of it is fated by its ID alone; whether the answer is lost also by the attempt.
	lost := hit("unknown", f.UnknownBps, throw)
	if lost && hit("unknown and not taken", 5000, throw) {
		return r, vanished, nil
	}
	r.Fate, r.Confirm, r.Lost = judge.Succeeded, c.now, lost
	if hit("refuse", f.RefuseBps, 0) {
		r.Fate, r.Reason = judge.Failed, "the beneficiary's bank refused"
	}
	if hit("late", f.LateBps, 0) {
		r.Confirm = c.now.Add(f.Late.D())
	}
	kept, v, used := s.book.Take(r, quote)
	switch {
	case used:
		return r, refused, errors.New("the quote was used for another instruction")
	case v == judge.Conflict:
		return kept, conflict, nil
	}
	if v == judge.Fresh && r.Kind == judge.Payout {
		s.hooks.changed(kept)
	}
	if lost {
		return kept, vanished, nil
	}
	return kept, taken, nil
}

// checkID refuses IDs that no provider would take.
func checkID(id string) error {
	if id == "" || len(id) > 64 {
		return fmt.Errorf("ID %q: want 1 to 64 characters", id)
	}
	for _, r := range id {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '_' && r != '.' {
			return fmt.Errorf("ID %q: character %q is not allowed", id, r)
		}
	}
	return nil
}

// beneficiary is what every provider checks of whom it pays.
func beneficiary(name, country, account, cnaps string) error {
	switch {
	case name == "" || len(name) > 140:
		return fmt.Errorf("beneficiary name %q: want 1 to 140 characters", name)
	case len(country) != 2 || country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' || country[1] > 'Z':
		return fmt.Errorf("beneficiary country %q: want two letters", country)
	case account == "" || len(account) > 34:
		return errors.New("beneficiary account: want 1 to 34 characters")
	}
	if cnaps != "" {
		if len(cnaps) != 12 {
			return fmt.Errorf("CNAPS code %q: want 12 digits", cnaps)
		}
		for _, r := range cnaps {
			if r < '0' || r > '9' {
				return fmt.Errorf("CNAPS code %q: want 12 digits", cnaps)
			}
		}
	}
	return nil
}

// skewed says whether a request's time is too far from now.
func (s *Simulator) skewed(at, now time.Time) bool {
	d := now.Sub(at)
	return d > s.options.MaxSkew || d < -s.options.MaxSkew
}
