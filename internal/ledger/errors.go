package ledger

import "fmt"

// InvalidError is a booking that can never be right: it names the field and the value.
type InvalidError struct{ Field, Value, Why string }

func (e *InvalidError) Error() string { return fmt.Sprintf("%s %q: %s", e.Field, e.Value, e.Why) }

// NotFoundError says what does not exist.
type NotFoundError struct{ What, ID string }

func (e *NotFoundError) Error() string { return fmt.Sprintf("%s %q not found", e.What, e.ID) }

// ConflictError says that an ID or key was used before with other content, or that a record is not at the expected version.
type ConflictError struct {
	What, ID string
	// Why says what differs.
	Why string
}

func (e *ConflictError) Error() string { return fmt.Sprintf("%s %q: %s", e.What, e.ID, e.Why) }

// InsufficientError says that an account's floor or cap would be broken.
type InsufficientError struct {
	Account   string
	Available int64
	Needed    int64
	// Limit is "floor" or "cap".
	Limit string
}

func (e *InsufficientError) Error() string {
	return fmt.Sprintf("account %q: %s: available %d, needed %d minor units", e.Account, e.Limit, e.Available, e.Needed)
}

// RequirementError says that a Commit's Require did not hold: the record's State was another. State is empty where there is no record.
type RequirementError struct{ Kind, Key, State string }

func (e *RequirementError) Error() string {
	return fmt.Sprintf("%s %q is in state %q", e.Kind, e.Key, e.State)
}

// UnavailableError says that the store cannot be reached or is behind; sending the same Commit again later is safe.
type UnavailableError struct{ Err error }

func (e *UnavailableError) Error() string { return "ledger unavailable: " + e.Err.Error() }

// Unwrap returns the store's own error.
func (e *UnavailableError) Unwrap() error { return e.Err }
