package audit

import (
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/ledger"
)

// Entry is an entry for people and their programs: amounts as decimals, times in UTC.
type Entry struct {
	Seq       uint64 `json:"seq"`
	Booked    string `json:"booked"`
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Debit     string `json:"debit"`
	Credit    string `json:"credit"`
	Currency  string `json:"currency"`
	Amount    string `json:"amount"`
	Ref       string `json:"ref,omitempty"`
	Expires   string `json:"expires,omitempty"`
	ValueDate string `json:"valueDate"`
	Code      string `json:"code,omitempty"`
	Reference string `json:"reference,omitempty"`
	Window    string `json:"window,omitempty"`
}

// Readable is e for people.
func Readable(e *ledger.Entry) Entry {
	r := Entry{
		Seq: e.Seq, Booked: e.Booked.Format(time.RFC3339Nano), ID: e.ID.String(), Kind: string(e.Kind), Debit: e.Debit, Credit: e.Credit,
		Currency: string(e.Amount.Currency()), Amount: e.Amount.Decimal(), ValueDate: e.ValueDate.Format(time.DateOnly),
		Code: e.Code, Reference: e.Reference, Window: e.Window,
	}
	if e.Ref != uuid.Nil {
		r.Ref = e.Ref.String()
	}
	if !e.Expires.IsZero() {
		r.Expires = e.Expires.Format(time.RFC3339Nano)
	}
	return r
}
