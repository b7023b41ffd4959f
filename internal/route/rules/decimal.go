package rules

import (
	"fmt"
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/govalues/decimal"

	"qiantang.dev/rails/internal/money"
)

// decimalType is the CEL type of amounts and rates.
var decimalType = cel.OpaqueType("decimal")

// decimalRuntime is the same with the traits that cel-go looks for when it compares.
var decimalRuntime = cel.ObjectType("decimal", traits.ComparerType)

// decimalValue is a decimal as cel-go handles values.
type decimalValue struct{ d decimal.Decimal }

func fromAmount(a money.Amount) decimal.Decimal {
	return fromMinor(a.Minor(), max(a.Currency().Digits(), 0))
}

func fromMinor(minor int64, digits int) decimal.Decimal {
	d, err := decimal.New(minor, digits)
	if err != nil {
		// A currency has at most four digits: there is no such amount.
		return decimal.Zero
	}
	return d
}

func fromRate(r money.Rate) decimal.Decimal {
	d, err := decimal.Parse(r.String())
	if err != nil {
		return decimal.Zero
	}
	return d
}

// parseDecimal is decimal('…'): plain, at most 18 digits, so that nothing is rounded silently.
func parseDecimal(s string) (decimal.Decimal, error) {
	digits := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			digits++
		} else if s[i] != '.' && (s[i] != '-' || i > 0) {
			return decimal.Decimal{}, fmt.Errorf("decimal %.40q: want digits, optionally a point and more digits", s)
		}
	}
	d, err := decimal.Parse(s)
	if err != nil || digits > 18 {
		return decimal.Decimal{}, fmt.Errorf("decimal %.40q: want at most 18 digits with at most one point", s)
	}
	return d, nil
}

// ConvertToNative is not needed by any rule.
func (v decimalValue) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("decimal cannot become %v", t)
}

// ConvertToType offers no conversion but to its own type.
func (v decimalValue) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return decimalRuntime
	}
	return types.NewErr("decimal cannot become %s", t.TypeName())
}

// Equal compares by value, whatever the number of places.
func (v decimalValue) Equal(other ref.Val) ref.Val {
	o, ok := other.(decimalValue)
	return types.Bool(ok && v.d.Cmp(o.d) == 0)
}

// Compare orders decimals, and decimals with whole numbers.
func (v decimalValue) Compare(other ref.Val) ref.Val {
	switch o := other.(type) {
	case decimalValue:
		return types.Int(v.d.Cmp(o.d))
	case types.Int:
		return types.Int(v.d.Cmp(fromInt(int64(o))))
	default:
		return types.MaybeNoSuchOverloadErr(other)
	}
}

// Type is the runtime type.
func (v decimalValue) Type() ref.Type { return decimalRuntime }

// Value is the decimal.
func (v decimalValue) Value() any { return v.d }

func fromInt(i int64) decimal.Decimal {
	d, err := decimal.New(i, 0)
	if err != nil {
		return decimal.Zero
	}
	return d
}
