package fx

import (
	"context"
	"errors"
)

// Converter is a Provider that also converts between our own balances with it, without paying anybody. Of the Instruction only ID and
// Quote count; what is true of Pay and Query is true here.
type Converter interface {
	Convert(ctx context.Context, i Instruction) (Status, error)
	QueryConversion(ctx context.Context, i Instruction) (Status, error)
}

var errNoConversion = errors.New("the provider converts only what it pays out")

// Converts says whether a provider converts without paying anybody.
func Converts(p Provider) bool {
	if g, ok := p.(*Guarded); ok {
		p = g.inner
	}
	_, ok := p.(Converter)
	return ok
}

// Convert instructs a conversion, once.
func (g *Guarded) Convert(ctx context.Context, i Instruction) (Status, error) {
	c, ok := g.inner.(Converter)
	if !ok {
		return Status{}, &Error{Provider: g.name, Op: "pay", Class: Final, Code: "not-supported", Err: errNoConversion}
	}
	return g.instruct(ctx, i, c.Convert)
}

// QueryConversion finds a conversion's outcome.
func (g *Guarded) QueryConversion(ctx context.Context, i Instruction) (Status, error) {
	c, ok := g.inner.(Converter)
	if !ok {
		return Status{}, &Error{Provider: g.name, Op: "query", Class: Retryable, Code: "not-supported", Err: errNoConversion}
	}
	return guarded(ctx, g, "query", g.limits.ExecuteTimeout, func(ctx context.Context) (Status, error) { return c.QueryConversion(ctx, i) })
}
