// Package progress tells people, line by line, what the tool is doing and how long each step took. It draws nothing
// that a log file could not hold, because continuous integration reads it too.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Printer writes lines; steps may run side by side.
type Printer struct {
	mu  sync.Mutex
	out io.Writer
	now func() time.Time
}

// New returns a Printer that writes to out and reads the time from now.
func New(out io.Writer, now func() time.Time) *Printer { return &Printer{out: out, now: now} }

// Say writes one line.
func (p *Printer) Say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Progress that cannot be written is no reason to stop.
	_, _ = fmt.Fprintf(p.out, format+"\n", args...)
}

// Step says what begins, does it, and says how long it took or that it failed. hint tells what to expect ("first run
// only, about 3 min") and may be empty.
func (p *Printer) Step(what, hint string, do func() error) error {
	if hint != "" {
		p.Say("· %s (%s) …", what, hint)
	} else {
		p.Say("· %s …", what)
	}
	start := p.now()
	if err := do(); err != nil {
		p.Say("✗ %s: failed after %s", what, Round(p.now().Sub(start)))
		return fmt.Errorf("%s: %w", what, err)
	}
	p.Say("✓ %s: %s", what, Round(p.now().Sub(start)))
	return nil
}

// Round shortens a duration to what a person wants to know.
func Round(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
