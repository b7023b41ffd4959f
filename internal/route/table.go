package route

import (
	"errors"
	"fmt"

	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/route/rules"
)

// Table is every corridor of a region made ready. It is immutable but for the memory of its rails' hours, and safe for concurrent
// use. What corridors have in common, rails and rule programs, exists once.
type Table struct {
	corridors map[string]*Corridor
	programs  map[string]*rules.Program
}

// Compile makes all corridors of a plan ready. Programs of the previous table are used again where a rule is the same; previous may
// be nil. The error names every corridor that cannot be served, and what is wrong with it; a plan that was compiled has none.
func Compile(r *plan.Region, previous *Table) (*Table, error) {
	b, err := newBuilder(r, previous)
	if err != nil {
		return nil, err
	}
	t := &Table{corridors: make(map[string]*Corridor, len(r.Corridors)), programs: b.programs}
	var errs []error
	for i := range r.Corridors {
		c, err := b.corridor(&r.Corridors[i])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		t.corridors[c.Name()] = c
	}
	return t, errors.Join(errs...)
}

// Corridor finds a corridor by name.
func (t *Table) Corridor(name string) (*Corridor, bool) {
	c, ok := t.corridors[name]
	return c, ok
}

// New makes one corridor of a plan ready. For many, Compile is cheaper.
func New(r *plan.Region, corridor string) (*Corridor, error) {
	for i := range r.Corridors {
		if r.Corridors[i].Name == corridor {
			b, err := newBuilder(r, nil)
			if err != nil {
				return nil, err
			}
			return b.corridor(&r.Corridors[i])
		}
	}
	return nil, fmt.Errorf("corridor %q is not in the plan of region %s", corridor, r.Name)
}

// builder holds what corridors are built from.
type builder struct {
	providers map[string]*plan.Provider
	rails     map[string]*rail
	programs  map[string]*rules.Program
	reuse     map[string]*rules.Program
	casts     map[string]*cast
	abouts    map[aboutKey][]rules.Verdict
}

func newBuilder(r *plan.Region, previous *Table) (*builder, error) {
	b := &builder{
		providers: make(map[string]*plan.Provider, len(r.Providers)),
		rails:     make(map[string]*rail, len(r.Rails)),
		programs:  map[string]*rules.Program{},
		casts:     map[string]*cast{},
		abouts:    map[aboutKey][]rules.Verdict{},
	}
	if previous != nil {
		b.reuse = previous.programs
	}
	for i := range r.Providers {
		b.providers[r.Providers[i].Name] = &r.Providers[i]
	}
	for _, p := range r.Rails {
		compiled, err := compileRail(p)
		if err != nil {
			return nil, err
		}
		b.rails[p.Name] = compiled
	}
	return b, nil
}

func (b *builder) program(action, expr string) (*rules.Program, error) {
	p, ok := b.programs[expr]
	if !ok {
		if p, ok = b.reuse[expr]; !ok {
			var err error
			if p, err = rules.Compile(expr); err != nil {
				return nil, err
			}
		}
		b.programs[expr] = p
	}
	return p, p.Suits(action)
}
