package rules

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"qiantang.dev/rails/internal/calendar"
)

// Bounds of a rule. Costs are cel-go's: about one for a variable or a call, more for what grows with its input.
const (
	// maxLength of an expression, in characters.
	maxLength = 2048
	// MaxCost is the estimated worst cost that a rule may have.
	MaxCost = 5000
	// What the router admits, and so what the estimate may assume.
	maxString   = 256
	maxMetadata = 32
)

// The actions of rules.
const (
	Deny    = "Deny"
	Prefer  = "Prefer"
	Exclude = "Exclude"
)

// Check says whether expr may be a rule: it compiles in the vocabulary, is a bool, and costs at most MaxCost. The error names the
// place in the expression and what is wrong there.
func Check(expr string) error {
	_, err := check(expr)
	return err
}

// CheckAction is Check, and says whether the expression suits the action: Deny is decided before any provider is asked, so it may
// look at payment and now only.
func CheckAction(action, expr string) error {
	p, err := Compile(expr)
	if err != nil {
		return err
	}
	return p.Suits(action)
}

// Suits says whether the rule may have the action.
func (p *Program) Suits(action string) error {
	switch action {
	case Prefer, Exclude:
		return nil
	case Deny:
		if p.uses&Candidate != 0 {
			return fmt.Errorf("rule %.80q: Deny may look at payment and now only: use Exclude for quote, provider and rail", p.expr)
		}
		return nil
	default:
		return fmt.Errorf("action %.40q: want Deny, Prefer or Exclude", action)
	}
}

func check(expr string) (*cel.Ast, error) {
	if len(expr) == 0 || len(expr) > maxLength {
		return nil, fmt.Errorf("rule of %d characters: want 1 to %d", len(expr), maxLength)
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("rule environment: %w", err)
	}
	a, issues := env.Compile(expr)
	if issues.Err() != nil {
		return nil, fmt.Errorf("rule %.80q: %w", expr, issues.Err())
	}
	if a.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("rule %.80q: is of type %s, want bool", expr, a.OutputType())
	}
	if err := constants(a.NativeRep()); err != nil {
		return nil, fmt.Errorf("rule %.80q: %w", expr, err)
	}
	cost, err := env.EstimateCost(a, sizes{})
	if err != nil {
		return nil, fmt.Errorf("rule %.80q: %w", expr, err)
	}
	if cost.Max > MaxCost {
		return nil, fmt.Errorf("rule %.80q: may cost %d, more than %d: make it simpler", expr, cost.Max, MaxCost)
	}
	return a, nil
}

// sizes bounds what cel-go cannot know.
type sizes struct{}

func (sizes) EstimateSize(n checker.AstNode) *checker.SizeEstimate {
	if n.Type().Kind() == types.MapKind {
		return &checker.SizeEstimate{Min: 0, Max: maxMetadata}
	}
	return &checker.SizeEstimate{Min: 0, Max: maxString}
}

func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

// constants checks the arguments that must be written out: zones, calendars and decimals. So none of them can fail later.
func constants(a *ast.AST) error {
	var errs []error
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		name := call.FunctionName()
		_, isClock := clockByName[name]
		if !isClock && name != businessDay && name != decimalFunc {
			return
		}
		var args []string
		for _, arg := range call.Args() {
			s, ok := literal(arg)
			if !ok {
				errs = append(errs, fmt.Errorf("%s: want a text written out, such as 'Asia/Shanghai' or '12.50'", name))
				return
			}
			args = append(args, s)
		}
		var err error
		switch name {
		case decimalFunc:
			_, err = parseDecimal(args[0])
		case businessDay:
			_, _, err = businessDays(args[0], args[1])
		default:
			_, err = calendar.ParseZone(args[0])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}))
	return errors.Join(errs...)
}

func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// businessDays resolves what isBusinessDay names.
func businessDays(name, zone string) (*calendar.Business, *time.Location, error) {
	loc, err := calendar.ParseZone(zone)
	if err != nil {
		return nil, nil, err
	}
	if known, ok := businesses.Load(name); ok {
		return known.(*calendar.Business), loc, nil
	}
	c, ok := calendar.Builtin(name)
	if !ok {
		return nil, nil, fmt.Errorf("calendar %.40q: not one of %v", name, calendar.BuiltinNames())
	}
	b := c.Business()
	businesses.Store(name, b)
	return b, loc, nil
}

// businesses keeps the built-in calendars that rules have named, made ready.
var businesses sync.Map
