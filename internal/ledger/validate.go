package ledger

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Bounds of one Commit: what one caller may ask of one transaction.
const (
	MaxTransfers = 1000
	MaxPuts      = 200
	MaxRequires  = 200
	MaxAccounts  = 200
	MaxBody      = 1 << 20
)

// maxLimit bounds floors and caps so that sums with them do not overflow.
const maxLimit = 1 << 62

// earliest and latest bound every date and time, so that each store can hold them.
var (
	earliest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Validate checks all that can be known without the books. It fails with an InvalidError naming field and value.
func (c *Commit) Validate() error {
	for _, n := range []struct {
		field    string
		got, max int
	}{
		{"requires", len(c.Requires), MaxRequires}, {"accounts", len(c.Accounts), MaxAccounts},
		{"transfers", len(c.Transfers), MaxTransfers}, {"puts", len(c.Puts), MaxPuts},
	} {
		if n.got > n.max {
			return &InvalidError{Field: n.field, Value: strconv.Itoa(n.got), Why: fmt.Sprintf("at most %d in one commit", n.max)}
		}
	}
	if len(c.Requires)+len(c.Accounts)+len(c.Transfers)+len(c.Puts) == 0 {
		return &InvalidError{Field: "commit", Why: "is empty"}
	}
	for i := range c.Requires {
		r := &c.Requires[i]
		if err := recordName("requires["+strconv.Itoa(i)+"]", r.Kind, r.Key); err != nil {
			return err
		}
		if len(r.States) == 0 {
			return &InvalidError{Field: "requires[" + strconv.Itoa(i) + "].states", Why: "names no state"}
		}
	}
	for i := range c.Accounts {
		if err := c.Accounts[i].validate("accounts[" + strconv.Itoa(i) + "]"); err != nil {
			return err
		}
	}
	for i := range c.Transfers {
		if err := c.Transfers[i].validate(i); err != nil {
			return err
		}
	}
	for i := range c.Puts {
		if err := c.Puts[i].validate("puts[" + strconv.Itoa(i) + "]"); err != nil {
			return err
		}
	}
	return nil
}

func (a *Account) validate(at string) error {
	if err := accountID(at+".id", a.ID); err != nil {
		return err
	}
	if err := text(at+".owner", a.Owner, 128); err != nil {
		return err
	}
	if err := text(at+".participant", a.Participant, 128); err != nil {
		return err
	}
	switch a.Type {
	case Asset, Liability, Equity, Income, Expense:
	default:
		return &InvalidError{Field: at + ".type", Value: string(a.Type), Why: "want asset, liability, equity, income or expense"}
	}
	if a.Currency.Digits() < 0 {
		return &InvalidError{Field: at + ".currency", Value: string(a.Currency), Why: "not an ISO 4217 currency in use"}
	}
	for _, l := range [2]struct {
		field string
		v     *int64
	}{{".floor", a.Floor}, {".cap", a.Cap}} {
		if l.v != nil && (*l.v > maxLimit || *l.v < -maxLimit) {
			return &InvalidError{Field: at + l.field, Value: strconv.FormatInt(*l.v, 10), Why: "is out of range"}
		}
	}
	if a.Floor != nil && a.Cap != nil && *a.Floor > *a.Cap {
		return &InvalidError{Field: at + ".floor", Value: strconv.FormatInt(*a.Floor, 10), Why: "is above the cap " + strconv.FormatInt(*a.Cap, 10)}
	}
	return nil
}

func (t *Transfer) validate(i int) error {
	invalid := func(field, value, why string) error {
		return &InvalidError{Field: "transfers[" + strconv.Itoa(i) + "]." + field, Value: value, Why: why}
	}
	if t.ID == uuid.Nil {
		return invalid("id", t.ID.String(), "is not set")
	}
	minor := t.Amount.Minor()
	ends := false
	switch t.Kind {
	case Immediate, Reserve:
		if t.Ref != uuid.Nil {
			return invalid("ref", t.Ref.String(), "only a post, void or reverse refers to another transfer")
		}
		if minor <= 0 {
			return invalid("amount", strconv.FormatInt(minor, 10), "must be more than zero")
		}
	case Post:
		ends = true
		if minor < 0 {
			return invalid("amount", strconv.FormatInt(minor, 10), "must not be negative")
		}
	case Void:
		ends = true
		if minor != 0 {
			return invalid("amount", strconv.FormatInt(minor, 10), "must be zero: a void releases the whole reserve")
		}
	case Reverse:
		ends = true
		if minor <= 0 {
			return invalid("amount", strconv.FormatInt(minor, 10), "must be more than zero")
		}
	case Expire:
		return invalid("kind", string(t.Kind), "is booked by the ledger alone")
	default:
		return invalid("kind", string(t.Kind), "want immediate, reserve, post, void or reverse")
	}
	if ends && t.Ref == uuid.Nil {
		return invalid("ref", t.Ref.String(), "is not set")
	}
	if ends && t.Ref == t.ID {
		return invalid("ref", t.Ref.String(), "is the transfer itself")
	}
	if (!ends || minor != 0 || t.Amount.Currency() != "") && t.Amount.Currency().Digits() < 0 {
		return invalid("amount.currency", string(t.Amount.Currency()), "not an ISO 4217 currency in use")
	}
	if !ends || t.Debit != "" {
		if err := accountID("transfers["+strconv.Itoa(i)+"].debit", t.Debit); err != nil {
			return err
		}
	}
	if !ends || t.Credit != "" {
		if err := accountID("transfers["+strconv.Itoa(i)+"].credit", t.Credit); err != nil {
			return err
		}
	}
	if t.Debit != "" && t.Debit == t.Credit {
		return invalid("credit", t.Credit, "is the debit account too")
	}
	if !t.Expires.IsZero() && (t.Kind != Reserve || outside(t.Expires)) {
		return invalid("expires", t.Expires.Format(time.RFC3339Nano), "only a reserve expires, within 30 days")
	}
	if !t.ValueDate.IsZero() && outside(t.ValueDate) {
		return invalid("valueDate", t.ValueDate.Format(time.RFC3339), "not a day of this age")
	}
	for _, f := range [...]struct {
		name, value string
		max         int
	}{{"code", t.Code, 32}, {"reference", t.Reference, 64}, {"window", t.Window, 96}} {
		if !plain(f.value, f.max) {
			return invalid(f.name, f.value, fmt.Sprintf("want at most %d bytes of printable text", f.max))
		}
	}
	return nil
}

func (p *Put) validate(at string) error {
	if err := recordName(at, p.Kind, p.Key); err != nil {
		return err
	}
	if p.Expect < 0 {
		return &InvalidError{Field: at + ".expect", Value: strconv.FormatInt(p.Expect, 10), Why: "must not be negative"}
	}
	if err := text(at+".state", p.State, 32); err != nil {
		return err
	}
	if err := text(at+".group", p.Group, 160); err != nil {
		return err
	}
	if !p.Due.IsZero() && outside(p.Due) {
		return &InvalidError{Field: at + ".due", Value: p.Due.Format(time.RFC3339), Why: "not a time of this age"}
	}
	if len(p.Body) > MaxBody {
		return &InvalidError{Field: at + ".body", Value: strconv.Itoa(len(p.Body)), Why: "more than 1 MiB"}
	}
	return nil
}

func recordName(at, kind, key string) error {
	if kind == "" {
		return &InvalidError{Field: at + ".kind", Why: "is not set"}
	}
	if key == "" {
		return &InvalidError{Field: at + ".key", Why: "is not set"}
	}
	if err := text(at+".kind", kind, 32); err != nil {
		return err
	}
	return text(at+".key", key, 160)
}

func outside(t time.Time) bool { return t.Before(earliest) || t.After(latest) }

func accountID(field, s string) error {
	if s == "" {
		return &InvalidError{Field: field, Why: "is not set"}
	}
	if len(s) > 128 {
		return &InvalidError{Field: field, Value: s[:128] + "…", Why: "more than 128 characters"}
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == ':', c == '.', c == '_', c == '/', c == '-':
		default:
			return &InvalidError{Field: field, Value: s, Why: "want letters, digits and :._/- only"}
		}
	}
	return nil
}

func text(field, s string, limit int) error {
	if plain(s, limit) {
		return nil
	}
	return &InvalidError{Field: field, Value: s[:min(len(s), limit)], Why: fmt.Sprintf("want at most %d bytes of printable text", limit)}
}

// plain refuses what a store would refuse or change: NUL and other control characters, and bytes that are not UTF-8.
func plain(s string, limit int) bool {
	if len(s) > limit {
		return false
	}
	ascii := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
		ascii = ascii && s[i] < 0x80
	}
	return ascii || utf8.ValidString(s)
}
