package rules

import (
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"qiantang.dev/rails/internal/calendar"
)

// builder turns a checked expression into closures. A shape that it does not know becomes a cel-go program, from the smallest
// boolean expression around it; so what it knows must mean exactly what cel-go means by it, and nothing else matters.
type builder struct {
	env    *cel.Env
	ast    *ast.AST
	native bool
	err    error
}

// bool compiles a boolean expression.
func (b *builder) bool(e ast.Expr) test {
	if b.native {
		if t := b.known(e); t != nil {
			return t
		}
	}
	return b.fallback(e)
}

// fallback evaluates e by cel-go.
func (b *builder) fallback(e ast.Expr) test {
	part := ast.NewCheckedAST(ast.NewAST(e, b.ast.SourceInfo()), b.ast.TypeMap(), b.ast.ReferenceMap())
	prog, err := b.env.PlanProgram(part, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(MaxCost))
	if err != nil {
		b.err = err
		return nil
	}
	return func(in *Input) Verdict {
		v, _, err := prog.Eval(in)
		if yes, ok := v.(types.Bool); ok && err == nil {
			return verdict(bool(yes))
		}
		return Failed
	}
}

// known compiles the shapes that need no cel-go, nil for others.
func (b *builder) known(e ast.Expr) test {
	switch e.Kind() {
	case ast.LiteralKind:
		if yes, ok := e.AsLiteral().(types.Bool); ok {
			v := verdict(bool(yes))
			return func(*Input) Verdict { return v }
		}
	case ast.IdentKind:
		if v, ok := byName[e.AsIdent()]; ok && v.yes != nil {
			return func(in *Input) Verdict { return verdict(v.yes(in)) }
		}
	case ast.SelectKind:
		// has(payment.metadata.key)
		if s := e.AsSelect(); s.IsTestOnly() {
			return hasKey(s.Operand(), s.FieldName())
		}
	case ast.CallKind:
		return b.call(e.AsCall())
	}
	return nil
}

func (b *builder) call(c ast.CallExpr) test {
	args := c.Args()
	switch name := c.FunctionName(); name {
	case operators.LogicalAnd, operators.LogicalOr:
		return b.logic(args, name == operators.LogicalAnd)
	case operators.LogicalNot:
		t := b.bool(args[0])
		return func(in *Input) Verdict { return t(in).not() }
	case operators.Conditional:
		cond, yes, no := b.bool(args[0]), b.bool(args[1]), b.bool(args[2])
		return func(in *Input) Verdict {
			switch cond(in) {
			case Yes:
				return yes(in)
			case No:
				return no(in)
			default:
				return Failed
			}
		}
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return b.compare(name, args[0], args[1])
	case operators.In:
		return member(args[0], args[1])
	case businessDay:
		return onBusinessDay(c)
	case "startsWith", "endsWith", "contains":
		if !c.IsMemberFunction() {
			return nil
		}
		return affix(name, text(c.Target()), text(args[0]))
	}
	return nil
}

func (b *builder) logic(args []ast.Expr, and bool) test {
	tests := make([]test, len(args))
	for i, a := range args {
		tests[i] = b.bool(a)
	}
	if and {
		return func(in *Input) Verdict { return all(tests, in) }
	}
	return func(in *Input) Verdict {
		v := No
		for _, t := range tests {
			if v = v.Or(t(in)); v == Yes {
				return Yes
			}
		}
		return v
	}
}

func hasKey(operand ast.Expr, key string) test {
	pairs := mapping(operand)
	if pairs == nil {
		return nil
	}
	return func(in *Input) Verdict {
		_, ok := pairs(in)[key]
		return verdict(ok)
	}
}

func mapping(e ast.Expr) func(*Input) map[string]string {
	if e.Kind() == ast.IdentKind {
		if v, ok := byName[e.AsIdent()]; ok {
			return v.pairs
		}
	}
	return nil
}

// member is x in [constants], or key in payment.metadata.
func member(x, set ast.Expr) test {
	if pairs := mapping(set); pairs != nil {
		key := text(x)
		if key == nil {
			return nil
		}
		return func(in *Input) Verdict {
			k, ok := key(in)
			if !ok {
				return Failed
			}
			_, ok = pairs(in)[k]
			return verdict(ok)
		}
	}
	if set.Kind() != ast.ListKind {
		return nil
	}
	var strs []string
	var nums []int64
	for _, el := range set.AsList().Elements() {
		if el.Kind() != ast.LiteralKind {
			return nil
		}
		switch v := el.AsLiteral().(type) {
		case types.String:
			strs = append(strs, string(v))
		case types.Int:
			nums = append(nums, int64(v))
		default:
			return nil
		}
	}
	if s := text(x); s != nil && len(nums) == 0 {
		return func(in *Input) Verdict {
			v, ok := s(in)
			if !ok {
				return Failed
			}
			return verdict(slices.Contains(strs, v))
		}
	}
	if n := number(x); n != nil && len(strs) == 0 {
		return func(in *Input) Verdict { return verdict(slices.Contains(nums, n(in))) }
	}
	return nil
}

func affix(name string, s, part func(*Input) (string, bool)) test {
	if s == nil || part == nil {
		return nil
	}
	f := map[string]func(string, string) bool{"startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix, "contains": strings.Contains}[name]
	return func(in *Input) Verdict {
		a, ok := s(in)
		b, ok2 := part(in)
		if !ok || !ok2 {
			return Failed
		}
		return verdict(f(a, b))
	}
}

func onBusinessDay(c ast.CallExpr) test {
	at := instant(c.Target())
	name, ok := literal(c.Args()[0])
	zone, ok2 := literal(c.Args()[1])
	if at == nil || !ok || !ok2 {
		return nil
	}
	days, loc, err := businessDays(name, zone)
	if err != nil {
		return nil
	}
	return func(in *Input) Verdict { return verdict(days.IsBusinessDay(calendar.DateOf(at(in).In(loc)))) }
}
