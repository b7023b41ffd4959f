package compile

import (
	"errors"
	"fmt"
	"strings"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/money"
)

// Finding is one thing that is wrong with a resource.
type Finding struct {
	// Field is the path from the resource's root, such as spec.rails[1].name; Value is what stands there.
	Field, Value string
	// Reason is one of the API's condition reasons; Unresolved says that it belongs to ResolvedRefs, not to Accepted.
	Reason     string
	Unresolved bool
	Message    string
}

func (f Finding) String() string {
	if f.Value == "" {
		return f.Field + ": " + f.Message
	}
	return fmt.Sprintf("%s %q: %s", f.Field, f.Value, f.Message)
}

// maxMessage bounds a condition's message; an API server takes 32 Ki, people less.
const maxMessage = 1024

// findings gathers what is wrong with one resource.
type findings struct{ list []Finding }

func (f *findings) invalid(reason, field, value, format string, args ...any) {
	f.list = append(f.list, Finding{Field: field, Value: value, Reason: reason, Message: fmt.Sprintf(format, args...)})
}

func (f *findings) unresolved(reason, field, value, format string, args ...any) {
	f.list = append(f.list, Finding{Field: field, Value: value, Reason: reason, Unresolved: true, Message: fmt.Sprintf(format, args...)})
}

func (f *findings) ok() bool { return len(f.list) == 0 }

func (f *findings) verdict() Verdict {
	return Verdict{
		Accepted:     condition(f.list, false, v1alpha1.ReasonAccepted),
		ResolvedRefs: condition(f.list, true, v1alpha1.ReasonResolvedRefs),
		Findings:     f.list,
	}
}

// condition takes the reason of the first finding and the words of all, as far as they fit.
func condition(list []Finding, unresolved bool, good string) Condition {
	c := Condition{OK: true, Reason: good}
	var words []string
	left, length := 0, 0
	for _, f := range list {
		if f.Unresolved != unresolved {
			continue
		}
		if c.OK {
			c.OK, c.Reason = false, f.Reason
		}
		s := f.String()
		if length += len(s); length > maxMessage && len(words) > 0 {
			left++
			continue
		}
		words = append(words, s)
	}
	if c.Message = strings.Join(words, "; "); left > 0 {
		c.Message += fmt.Sprintf("; and %d more", left)
	}
	return c
}

// currency reads an ISO 4217 code.
func (f *findings) currency(field string, code v1alpha1.CurrencyCode) (money.Currency, bool) {
	c, err := money.ParseCurrency(string(code))
	if err != nil {
		f.invalid(v1alpha1.ReasonInvalidCurrency, field, string(code), "%s", why(err))
	}
	return c, err == nil
}

// amount reads an amount in a currency that is known to be good; empty is none. positive refuses zero.
func (f *findings) amount(field string, s v1alpha1.DecimalAmount, c money.Currency, positive bool) (a money.Amount, ok bool) {
	if s == "" {
		return a, false
	}
	a, err := money.ParseAmount(string(s), c)
	if err == nil && positive && !a.IsPositive() {
		err = errors.New("must be more than zero")
	}
	if err != nil {
		f.invalid(v1alpha1.ReasonInvalidAmount, field, string(s), "no amount of %s: %s", c, why(err))
	}
	return a, err == nil
}

// limits checks the bounds of a payment.
func (f *findings) limits(field string, l v1alpha1.AmountLimits, c money.Currency) {
	low, okLow := f.amount(field+".min", l.Min, c, false)
	high, okHigh := f.amount(field+".max", l.Max, c, true)
	if okLow && okHigh && low.Minor() > high.Minor() {
		f.invalid(v1alpha1.ReasonInvalidAmount, field+".min", string(l.Min), "is more than max %q", l.Max)
	}
}

// why is an error of package money without the value that the finding already names.
func why(err error) string {
	var pe *money.ParseError
	if errors.As(err, &pe) {
		return pe.Why
	}
	return err.Error()
}
