package rules

import (
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"qiantang.dev/rails/internal/calendar"
)

// clock is a function of now in a time zone: now.hour('Asia/Shanghai').
type clock struct {
	name string
	doc  string
	num  func(time.Time) int64
	str  func(time.Time) string
}

var clocks = []clock{
	{name: "hour", doc: "0 to 23", num: func(t time.Time) int64 { return int64(t.Hour()) }},
	{name: "minute", doc: "0 to 59", num: func(t time.Time) int64 { return int64(t.Minute()) }},
	{name: "dayOfMonth", doc: "1 to 31", num: func(t time.Time) int64 { return int64(t.Day()) }},
	{name: "month", doc: "1 to 12", num: func(t time.Time) int64 { return int64(t.Month()) }},
	{name: "year", doc: "such as 2026", num: func(t time.Time) int64 { return int64(t.Year()) }},
	{name: "dayOfWeek", doc: "Mon, Tue, Wed, Thu, Fri, Sat or Sun", str: func(t time.Time) string { return calendar.DayName(t.Weekday()) }},
	{name: "date", doc: "YYYY-MM-DD", str: dateOf},
}

// dateOf is YYYY-MM-DD, several times as fast as Format.
func dateOf(t time.Time) string {
	y, m, d := t.Date()
	if y < 0 || y > 9999 {
		return t.Format(time.DateOnly)
	}
	b := [10]byte{4: '-', 7: '-'}
	for i := 3; i >= 0; i-- {
		b[i], y = byte('0'+y%10), y/10
	}
	b[5], b[6], b[8], b[9] = byte('0'+m/10), byte('0'+m%10), byte('0'+d/10), byte('0'+d%10)
	return string(b[:])
}

var clockByName = func() map[string]*clock {
	m := make(map[string]*clock, len(clocks))
	for i := range clocks {
		m[clocks[i].name] = &clocks[i]
	}
	return m
}()

const (
	businessDay = "isBusinessDay"
	decimalFunc = "decimal"
)

// environment is built once: it is costly, immutable, and safe for concurrent use.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	opts := []cel.EnvOption{
		cel.HomogeneousAggregateLiterals(),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals()),
		cel.ParserRecursionLimit(32),
		cel.ParserExpressionSizeLimit(maxLength),
		cel.Function(decimalFunc, cel.Overload("decimal_string", []*cel.Type{cel.StringType}, decimalType,
			cel.UnaryBinding(func(v ref.Val) ref.Val {
				s, ok := v.(types.String)
				if !ok {
					return types.MaybeNoSuchOverloadErr(v)
				}
				d, err := parseDecimal(string(s))
				if err != nil {
					return types.WrapErr(err)
				}
				return decimalValue{d}
			}))),
		cel.Function(businessDay, cel.MemberOverload("timestamp_is_business_day",
			[]*cel.Type{cel.TimestampType, cel.StringType, cel.StringType}, cel.BoolType, cel.FunctionBinding(celBusinessDay))),
	}
	for i := range vocabulary {
		opts = append(opts, cel.Variable(vocabulary[i].name, vocabulary[i].celType()))
	}
	for i := range clocks {
		c := &clocks[i]
		result := cel.IntType
		if c.str != nil {
			result = cel.StringType
		}
		opts = append(opts, cel.Function(c.name, cel.MemberOverload("timestamp_"+c.name,
			[]*cel.Type{cel.TimestampType, cel.StringType}, result, cel.BinaryBinding(c.cel))))
	}
	// The standard library compares by trait; these declare which types may meet.
	for op, name := range map[string]string{
		operators.Less: "less", operators.LessEquals: "less_equals", operators.Greater: "greater", operators.GreaterEquals: "greater_equals",
	} {
		opts = append(opts, cel.Function(op,
			cel.Overload(name+"_decimal", []*cel.Type{decimalType, decimalType}, cel.BoolType),
			cel.Overload(name+"_decimal_int", []*cel.Type{decimalType, cel.IntType}, cel.BoolType)))
	}
	return cel.NewEnv(opts...)
})

func (c *clock) cel(at, zone ref.Val) ref.Val {
	ts, ok := at.(types.Timestamp)
	name, ok2 := zone.(types.String)
	if !ok || !ok2 {
		return types.MaybeNoSuchOverloadErr(at)
	}
	loc, err := calendar.ParseZone(string(name))
	if err != nil {
		return types.WrapErr(err)
	}
	if c.num != nil {
		return types.Int(c.num(ts.In(loc)))
	}
	return types.String(c.str(ts.In(loc)))
}

func celBusinessDay(args ...ref.Val) ref.Val {
	ts, ok := args[0].(types.Timestamp)
	name, ok2 := args[1].(types.String)
	zone, ok3 := args[2].(types.String)
	if !ok || !ok2 || !ok3 {
		return types.MaybeNoSuchOverloadErr(args[0])
	}
	days, loc, err := businessDays(string(name), string(zone))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(days.IsBusinessDay(calendar.DateOf(ts.In(loc))))
}
