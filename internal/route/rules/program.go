package rules

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// Verdict is what an expression comes to: evaluation may fail, where a metadata key is missing, say.
type Verdict uint8

// The verdicts, in the order that makes And the lesser, Or the greater, and not the opposite.
const (
	No Verdict = iota
	Failed
	Yes
)

// And is CEL's: No with anything is No, and only then does a failure count.
func (v Verdict) And(o Verdict) Verdict { return min(v, o) }

// Or is CEL's: Yes with anything is Yes, and only then does a failure count.
func (v Verdict) Or(o Verdict) Verdict { return max(v, o) }

func (v Verdict) not() Verdict { return Yes - v }

func verdict(b bool) Verdict {
	if b {
		return Yes
	}
	return No
}

// Program is a compiled rule. Its top-level conjuncts are sorted into three parts, by how often they need to be asked: Gate once a
// choice, Fixed once for each provider and rail of a plan, Live for each candidate. The rule holds where all three say Yes. It is
// immutable and safe for concurrent use.
type Program struct {
	expr              string
	uses              Scope
	gate, fixed, live []test
}

// test is one conjunct.
type test func(*Input) Verdict

// Compile checks expr and compiles it.
func Compile(expr string) (*Program, error) {
	checked, err := check(expr)
	if err != nil {
		return nil, err
	}
	return compile(expr, checked, true)
}

func compile(expr string, checked *cel.Ast, native bool) (*Program, error) {
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("rule environment: %w", err)
	}
	b := &builder{env: env, ast: checked.NativeRep(), native: native}
	p := &Program{expr: expr, uses: uses(b.ast.Expr())}
	for _, part := range conjuncts(b.ast.Expr(), nil) {
		if !native {
			part = b.ast.Expr()
		}
		t, scope := b.bool(part), uses(part)
		switch {
		case scope&Candidate == 0:
			p.gate = append(p.gate, t)
		case scope&^(Providers|Rails) == 0:
			p.fixed = append(p.fixed, t)
		default:
			p.live = append(p.live, t)
		}
		if !native {
			break
		}
	}
	if b.err != nil {
		return nil, fmt.Errorf("rule %.80q: %w", expr, b.err)
	}
	return p, nil
}

// String is the expression.
func (p *Program) String() string { return p.expr }

// Uses are the scopes that the rule looks at.
func (p *Program) Uses() Scope { return p.uses }

// Gate evaluates what depends on the payment and the time alone.
func (p *Program) Gate(in *Input) Verdict { return all(p.gate, in) }

// Fixed evaluates what depends on provider and rail as planned alone.
func (p *Program) Fixed(in *Input) Verdict { return all(p.fixed, in) }

// Live evaluates the rest.
func (p *Program) Live(in *Input) Verdict { return all(p.live, in) }

// LiveTest is Live for those who ask it of many candidates; nil where there is nothing to ask.
func (p *Program) LiveTest() func(*Input) Verdict {
	switch len(p.live) {
	case 0:
		return nil
	case 1:
		return p.live[0]
	default:
		return p.Live
	}
}

// HasFixed reports whether Fixed has anything to ask.
func (p *Program) HasFixed() bool { return len(p.fixed) > 0 }

// Eval is the whole rule.
func (p *Program) Eval(in *Input) Verdict { return p.Gate(in).And(p.Fixed(in)).And(p.Live(in)) }

func all(tests []test, in *Input) Verdict {
	v := Yes
	for _, t := range tests {
		if v = v.And(t(in)); v == No {
			return No
		}
	}
	return v
}

// conjuncts takes a && b && c apart.
func conjuncts(e ast.Expr, out []ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		for _, arg := range e.AsCall().Args() {
			out = conjuncts(arg, out)
		}
		return out
	}
	return append(out, e)
}

func uses(e ast.Expr) Scope {
	var s Scope
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind {
			if v, ok := byName[e.AsIdent()]; ok {
				s |= v.scope
			}
		}
	}))
	return s
}
