package settle

import (
	"encoding/json"
	"fmt"
	"time"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

// The netting models of a schedule.
const (
	ModelGross        = "Gross"
	ModelBilateral    = "BilateralNet"
	ModelMultilateral = "MultilateralNet"
)

// TimingDeferred is the timing of a schedule that instructs when the value date begins in its zone; others instruct at the cut-off.
const TimingDeferred = "Deferred"

// terms are a schedule's as the window keeps them: from its opening, and again from the plan when it is closed.
type terms struct {
	Model     string        `json:"model"`
	ValueDate string        `json:"valueDate"`
	Delivery  plan.Delivery `json:"delivery"`
	// InstructAt is before when nothing is instructed; zero: at once.
	InstructAt time.Time `json:"instructAt,omitzero"`
}

// windowBody is the document of a window's record. Each state adds to it and changes nothing that an earlier one fixed.
type windowBody struct {
	Institution string    `json:"institution"`
	Region      string    `json:"region"`
	Schedule    string    `json:"schedule"`
	Opened      time.Time `json:"opened"`
	CutOff      time.Time `json:"cutOff"`
	Terms       terms     `json:"terms"`

	// From closing on.
	Run    string     `json:"run,omitempty"`
	Closed *time.Time `json:"closed,omitempty"`

	// From netted on. Self is who settles for all, Parties whom the messages name.
	Self       string                      `json:"self,omitempty"`
	Parties    map[string]plan.Participant `json:"parties,omitempty"`
	Payments   int64                       `json:"payments,omitempty"`
	Currencies []plan.CurrencySum          `json:"currencies,omitempty"`
	Messages   []message                   `json:"messages,omitempty"`
	Breaks     []string                    `json:"breaks,omitempty"`

	// Final.
	Completed *time.Time `json:"completed,omitempty"`

	// Attempts at the present step that failed, and what the last one met.
	Attempts int    `json:"attempts,omitempty"`
	Trouble  string `json:"trouble,omitempty"`
}

func decodeWindow(r ledger.Record) (windowBody, error) {
	var b windowBody
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return b, fmt.Errorf("window %q, version %d: %w", r.Key, r.Version, err)
	}
	return b, nil
}

// put makes the change of a window's record; a zero due ends the work on it.
func (b *windowBody) put(key string, expect int64, state string, due time.Time) (ledger.Put, error) {
	body, err := json.Marshal(b)
	if err != nil {
		return ledger.Put{}, fmt.Errorf("window %q: %w", key, err)
	}
	return ledger.Put{Kind: KindWindow, Key: key, Expect: expect, State: state, Group: b.Schedule, Due: due, Body: body}, nil
}
