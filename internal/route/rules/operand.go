package rules

import (
	"cmp"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/govalues/decimal"

	"qiantang.dev/rails/internal/calendar"
)

// The readers below compile operands; nil means a shape for cel-go. Only text can fail, by a metadata key that is missing.

func text(e ast.Expr) func(*Input) (string, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		if s, ok := literal(e); ok {
			return func(*Input) (string, bool) { return s, true }
		}
	case ast.IdentKind:
		if v, ok := byName[e.AsIdent()]; ok && v.str != nil {
			return func(in *Input) (string, bool) { return v.str(in), true }
		}
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() {
			return value(s.Operand(), func(*Input) (string, bool) { return s.FieldName(), true })
		}
	case ast.CallKind:
		c := e.AsCall()
		if c.FunctionName() == operators.Index {
			return value(c.Args()[0], text(c.Args()[1]))
		}
		if f, at, loc := clockCall(c); f != nil && f.str != nil {
			return func(in *Input) (string, bool) { return f.str(at(in).In(loc)), true }
		}
	}
	return nil
}

// value is payment.metadata[key].
func value(m ast.Expr, key func(*Input) (string, bool)) func(*Input) (string, bool) {
	pairs := mapping(m)
	if pairs == nil || key == nil {
		return nil
	}
	return func(in *Input) (string, bool) {
		k, ok := key(in)
		if !ok {
			return "", false
		}
		v, ok := pairs(in)[k]
		return v, ok
	}
}

func number(e ast.Expr) func(*Input) int64 {
	switch e.Kind() {
	case ast.LiteralKind:
		if n, ok := e.AsLiteral().(types.Int); ok {
			return func(*Input) int64 { return int64(n) }
		}
	case ast.IdentKind:
		if v, ok := byName[e.AsIdent()]; ok {
			return v.num
		}
	case ast.CallKind:
		if f, at, loc := clockCall(e.AsCall()); f != nil && f.num != nil {
			return func(in *Input) int64 { return f.num(at(in).In(loc)) }
		}
	}
	return nil
}

func clockCall(c ast.CallExpr) (*clock, func(*Input) time.Time, *time.Location) {
	f, ok := clockByName[c.FunctionName()]
	if !ok || !c.IsMemberFunction() {
		return nil, nil, nil
	}
	at := instant(c.Target())
	zone, ok := literal(c.Args()[0])
	loc, err := calendar.ParseZone(zone)
	if at == nil || !ok || err != nil {
		return nil, nil, nil
	}
	return f, at, loc
}

func fraction(e ast.Expr) func(*Input) decimal.Decimal {
	switch e.Kind() {
	case ast.IdentKind:
		if v, ok := byName[e.AsIdent()]; ok {
			return v.dec
		}
	case ast.LiteralKind:
		if n, ok := e.AsLiteral().(types.Int); ok {
			d := fromInt(int64(n))
			return func(*Input) decimal.Decimal { return d }
		}
	case ast.CallKind:
		if c := e.AsCall(); c.FunctionName() == decimalFunc {
			s, _ := literal(c.Args()[0])
			if d, err := parseDecimal(s); err == nil {
				return func(*Input) decimal.Decimal { return d }
			}
		}
	}
	return nil
}

func instant(e ast.Expr) func(*Input) time.Time {
	switch e.Kind() {
	case ast.IdentKind:
		if v, ok := byName[e.AsIdent()]; ok {
			return v.at
		}
	case ast.CallKind:
		if c := e.AsCall(); c.FunctionName() == overloads.TypeConvertTimestamp {
			if s, ok := literal(c.Args()[0]); ok {
				if ts, ok := types.String(s).ConvertToType(types.TimestampType).(types.Timestamp); ok {
					return func(*Input) time.Time { return ts.Time }
				}
			}
		}
	}
	return nil
}

func length(e ast.Expr) func(*Input) time.Duration {
	switch e.Kind() {
	case ast.IdentKind:
		if v, ok := byName[e.AsIdent()]; ok {
			return v.span
		}
	case ast.CallKind:
		if c := e.AsCall(); c.FunctionName() == overloads.TypeConvertDuration {
			if s, ok := literal(c.Args()[0]); ok {
				if d, ok := types.String(s).ConvertToType(types.DurationType).(types.Duration); ok {
					return func(*Input) time.Duration { return d.Duration }
				}
			}
		}
	}
	return nil
}

// compare compiles == != < <= > >= over two operands of one type; the checker has seen to it that they may meet.
func (b *builder) compare(op string, left, right ast.Expr) test {
	holds := ordering(op)
	if n, ok := whole(right); ok && number(left) != nil {
		return against(op, number(left), n)
	}
	if l, r := number(left), number(right); l != nil && r != nil {
		return func(in *Input) Verdict { return verdict(holds(cmp.Compare(l(in), r(in)))) }
	}
	if l, r := fraction(left), fraction(right); l != nil && r != nil {
		return func(in *Input) Verdict { return verdict(holds(l(in).Cmp(r(in)))) }
	}
	if l, r := instant(left), instant(right); l != nil && r != nil {
		return func(in *Input) Verdict { return verdict(holds(l(in).Compare(r(in)))) }
	}
	if l, r := length(left), length(right); l != nil && r != nil {
		return func(in *Input) Verdict { return verdict(holds(cmp.Compare(l(in), r(in)))) }
	}
	if l, r := text(left), text(right); l != nil && r != nil {
		return func(in *Input) Verdict {
			x, ok := l(in)
			y, ok2 := r(in)
			if !ok || !ok2 {
				return Failed
			}
			return verdict(holds(cmp.Compare(x, y)))
		}
	}
	if (op == operators.Equals || op == operators.NotEquals) && b.isBool(left) && b.isBool(right) {
		l, r, want := b.bool(left), b.bool(right), op == operators.Equals
		return func(in *Input) Verdict {
			x, y := l(in), r(in)
			if x == Failed || y == Failed {
				return Failed
			}
			return verdict((x == y) == want)
		}
	}
	return nil
}

func (b *builder) isBool(e ast.Expr) bool { return b.ast.GetType(e.ID()).Kind() == types.BoolKind }

func whole(e ast.Expr) (int64, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	n, ok := e.AsLiteral().(types.Int)
	return int64(n), ok
}

// against compares with a number written out, which most rules do: one call less each time.
func against(op string, l func(*Input) int64, n int64) test {
	switch op {
	case operators.Equals:
		return func(in *Input) Verdict { return verdict(l(in) == n) }
	case operators.NotEquals:
		return func(in *Input) Verdict { return verdict(l(in) != n) }
	case operators.Less:
		return func(in *Input) Verdict { return verdict(l(in) < n) }
	case operators.LessEquals:
		return func(in *Input) Verdict { return verdict(l(in) <= n) }
	case operators.Greater:
		return func(in *Input) Verdict { return verdict(l(in) > n) }
	default:
		return func(in *Input) Verdict { return verdict(l(in) >= n) }
	}
}

func ordering(op string) func(int) bool {
	switch op {
	case operators.Equals:
		return func(c int) bool { return c == 0 }
	case operators.NotEquals:
		return func(c int) bool { return c != 0 }
	case operators.Less:
		return func(c int) bool { return c < 0 }
	case operators.LessEquals:
		return func(c int) bool { return c <= 0 }
	case operators.Greater:
		return func(c int) bool { return c > 0 }
	default:
		return func(c int) bool { return c >= 0 }
	}
}
