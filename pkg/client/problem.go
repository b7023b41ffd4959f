package client

import (
	"fmt"
	"strings"
	"time"
)

// Problem is an RFC 9457 problem: why a request was refused.
type Problem struct {
	Type     string       `json:"type,omitempty" doc:"Which kind of problem: https://qiantang.dev/problems/<code>"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Detail   string       `json:"detail,omitempty"`
	Instance string       `json:"instance,omitempty" doc:"The payment, where one was recorded"`
	Errors   []FieldError `json:"errors,omitempty" doc:"One for each field that is wrong"`

	// RetryAfter is from the header of that name; zero where there was none.
	RetryAfter time.Duration `json:"-"`
}

// FieldError names a field, the value it had, and what is wrong with it.
type FieldError struct {
	Location string `json:"location,omitempty" example:"body.amount.value"`
	Value    any    `json:"value,omitempty"`
	Message  string `json:"message"`
}

// ProblemBase precedes a problem's code in its Type.
const ProblemBase = "https://qiantang.dev/problems/"

// Code is the last part of Type, such as "insufficient-funds".
func (p *Problem) Code() string { return strings.TrimPrefix(p.Type, ProblemBase) }

// Error says what was refused, with each field's location and value.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", p.Status, p.Title)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "; %s %q: %s", e.Location, fmt.Sprint(e.Value), e.Message)
	}
	return b.String()
}

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is what problems are sent as.
func (p *Problem) ContentType(string) string { return "application/problem+json" }
