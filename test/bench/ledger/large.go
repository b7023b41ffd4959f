package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/ledger/audit"
	"qiantang.dev/rails/internal/ledger/bench"
)

// largeLedger is what is measured while it grows.
type largeLedger interface {
	ledger.Ledger
	audit.Source
}

// grown books *large entries, nine of ten in one settlement window, and prints the process's memory on the way; then reads the window
// while bookings go on, and verifies.
func grown(ctx context.Context, store string, l largeLedger) error {
	if err := bench.LargeAccounts(ctx, l); err != nil {
		return err
	}
	fmt.Printf("\n%s:\n\n| entries | bookings/s on the way there | memory (RSS) of the booking process | most until then |\n|---|---|---|---|\n", store)
	var total int64
	for _, part := range []float64{0.1, 0.2, 0.5, 1} {
		n, perSecond, err := bench.Grow(ctx, l, int64(part*float64(*large))-total, nil)
		if err != nil {
			return err
		}
		total += n
		fmt.Printf("| %.1f million | %.0f | %s | %s |\n", float64(total)/1e6, perSecond, resident("VmRSS"), resident("VmHWM"))
	}
	if err := positions(ctx, l); err != nil {
		return err
	}
	if err := verify(ctx, l); err != nil {
		return err
	}
	fmt.Printf("Memory after that: %s, most until then %s\n", resident("VmRSS"), resident("VmHWM"))
	return nil
}

// positions reads the window again and again while bookings go on.
func positions(ctx context.Context, l ledger.Ledger) error {
	stop, booked := make(chan struct{}), make(chan error, 1)
	var perSecond float64
	go func() {
		var err error
		_, perSecond, err = bench.Grow(ctx, l, math.MaxInt64, stop)
		booked <- err
	}()
	var took []time.Duration
	var accounts int
	var count int64
	var err error
	for range 50 {
		begin := time.Now()
		var all []ledger.Position
		if all, err = l.WindowPositions(ctx, bench.Window); err != nil {
			break
		}
		took = append(took, time.Since(begin))
		accounts, count = len(all), 0
		for _, p := range all {
			count += p.Count
		}
	}
	close(stop)
	if err := errors.Join(err, <-booked); err != nil {
		return err
	}
	slices.Sort(took)
	fmt.Printf("\nThe window's positions, %d accounts by participant and currency over %d bookings, read 50 times while %.0f more a second were booked: "+
		"median %s, longest %s\n", accounts, count/2, perSecond, short(took[len(took)/2]), short(took[len(took)-1]))
	return nil
}

// resident is a line of Linux's account of this process's memory.
func resident(name string) string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(b)) {
		var kb int
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			if _, err := fmt.Sscanf(rest, "%d kB", &kb); err == nil {
				return fmt.Sprintf("%d MiB", kb>>10)
			}
		}
	}
	return "unknown"
}
