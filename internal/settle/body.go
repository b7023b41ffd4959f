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

// TimingImmediate is the timing of a schedule that settles on the day of the cut-off, whatever its lag.
const TimingImmediate = "Immediate"

// terms are a schedule's as the window keeps them.
type terms struct {
	Model     string        `json:"model"`
	ValueDate string        `json:"valueDate"`
	Delivery  plan.Delivery `json:"delivery"`
}

// windowBody is the document of a window's record. Each state adds to it and changes nothing that an earlier one fixed.
type windowBody struct {
	Region string    `json:"region"`
	Opened time.Time `json:"opened"`
	CutOff time.Time `json:"cutOff"`
	Terms  terms     `json:"terms"`

	// From closing on.
	Run    string     `json:"run,omitempty"`
	Closed *time.Time `json:"closed,omitempty"`

	// From netted on.
	Payments   int64              `json:"payments,omitempty"`
	Currencies []plan.CurrencySum `json:"currencies,omitempty"`
	Messages   []message          `json:"messages,omitempty"`
	Breaks     []string           `json:"breaks,omitempty"`

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
