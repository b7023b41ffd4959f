package router

import (
	"context"
	"errors"
	"sync"

	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/ledger"
)

// faulty is a ledger that fails when told to, before or after it has booked.
type faulty struct {
	ledger.Ledger
	mu            sync.Mutex
	before, after func(ledger.Commit) error
}

func (f *faulty) fail(before func(ledger.Commit) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
}

func (f *faulty) failAfter(after func(ledger.Commit) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.after = after
}

func (f *faulty) Apply(ctx context.Context, c ledger.Commit) (ledger.Receipt, error) {
	f.mu.Lock()
	before, after := f.before, f.after
	f.mu.Unlock()
	if before != nil {
		if err := before(c); err != nil {
			return ledger.Receipt{}, err
		}
	}
	r, err := f.Ledger.Apply(ctx, c)
	if err == nil && after != nil {
		if err := after(c); err != nil {
			return ledger.Receipt{}, err
		}
	}
	return r, err
}

// mortal is a process that dies at its nth touch of the world: from then on nothing that it does has any effect.
type mortal struct {
	mu    sync.Mutex
	left  int
	where string
}

// touch says whether the process still lives, and what it was doing when it died.
func (m *mortal) touch(what string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == 0 {
		return false
	}
	if m.left--; m.left == 0 {
		m.where = what
		return false
	}
	return true
}

func (m *mortal) dead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left == 0
}

var errDead = errors.New("this process is dead")

// mortalLedger dies before or after it books.
type mortalLedger struct {
	ledger.Ledger
	*mortal
}

func (l mortalLedger) Apply(ctx context.Context, c ledger.Commit) (ledger.Receipt, error) {
	if !l.touch("before a commit") {
		return ledger.Receipt{}, &ledger.UnavailableError{Err: errDead}
	}
	r, err := l.Ledger.Apply(ctx, c)
	if !l.touch("after a commit") {
		return ledger.Receipt{}, &ledger.UnavailableError{Err: errDead}
	}
	return r, err
}

// mortalProvider dies before or after it asks the provider.
type mortalProvider struct {
	fx.Provider
	*mortal
}

func (p mortalProvider) Pay(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	return p.ask("pay", func() (fx.Status, error) { return p.Provider.Pay(ctx, i) })
}

func (p mortalProvider) Query(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	return p.ask("query", func() (fx.Status, error) { return p.Provider.Query(ctx, i) })
}

func (p mortalProvider) Convert(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	return p.ask("pay", func() (fx.Status, error) { return p.Provider.(fx.Converter).Convert(ctx, i) })
}

func (p mortalProvider) QueryConversion(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	return p.ask("query", func() (fx.Status, error) { return p.Provider.(fx.Converter).QueryConversion(ctx, i) })
}

func (p mortalProvider) ask(op string, f func() (fx.Status, error)) (fx.Status, error) {
	dead := &fx.Error{Op: op, Class: fx.Uncertain, Code: "dead", Err: errDead}
	if !p.touch("before " + op) {
		return fx.Status{}, dead
	}
	s, err := f()
	if !p.touch("after " + op) {
		return fx.Status{}, dead
	}
	return s, err
}

// scripted answers Pay and Query from a script, then passes calls on. A nil entry passes one call on.
type scripted struct {
	fx.Provider
	mu    sync.Mutex
	pay   []func(pass func() (fx.Status, error)) (fx.Status, error)
	query []func(pass func() (fx.Status, error)) (fx.Status, error)
	// paid and asked are the instructions' IDs, in order.
	paid, asked []string
}

func next(script *[]func(func() (fx.Status, error)) (fx.Status, error), pass func() (fx.Status, error)) (fx.Status, error) {
	if len(*script) == 0 {
		return pass()
	}
	f := (*script)[0]
	*script = (*script)[1:]
	if f == nil {
		return pass()
	}
	return f(pass)
}

func (s *scripted) Pay(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paid = append(s.paid, i.ID)
	return next(&s.pay, func() (fx.Status, error) { return s.Provider.Pay(ctx, i) })
}

func (s *scripted) Query(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, i.ID)
	return next(&s.query, func() (fx.Status, error) { return s.Provider.Query(ctx, i) })
}

// Convert and QueryConversion follow the same script: in a test of them the provider does not pay out.
func (s *scripted) Convert(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paid = append(s.paid, i.ID)
	return next(&s.pay, func() (fx.Status, error) { return s.Provider.(fx.Converter).Convert(ctx, i) })
}

func (s *scripted) QueryConversion(ctx context.Context, i fx.Instruction) (fx.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, i.ID)
	return next(&s.query, func() (fx.Status, error) { return s.Provider.(fx.Converter).QueryConversion(ctx, i) })
}

// away makes every nth commit find the ledger away.
func away(n int) func(ledger.Commit) error {
	var mu sync.Mutex
	count := 0
	return func(ledger.Commit) error {
		mu.Lock()
		defer mu.Unlock()
		if count++; count%n == 0 {
			return &ledger.UnavailableError{Err: errDead}
		}
		return nil
	}
}
