package money

import "fmt"

// ParseError says which text could not be read, as what, and why.
type ParseError struct{ What, Value, Why string }

func (e *ParseError) Error() string { return fmt.Sprintf("%s %q: %s", e.What, e.Value, e.Why) }

// CurrencyMismatchError says that two currencies met where one was expected.
type CurrencyMismatchError struct{ Want, Got Currency }

func (e *CurrencyMismatchError) Error() string {
	return fmt.Sprintf("currency %q does not match %q", string(e.Got), string(e.Want))
}

// OverflowError says that a result does not fit 64 bits of minor units.
type OverflowError struct{ Op string }

func (e *OverflowError) Error() string { return e.Op + ": out of range" }
