package router

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/pkg/client"
)

// Bounds of what a client may send.
const (
	maxKey       = 128
	maxMetadata  = 20
	maxMetaKey   = 40
	maxMetaValue = 256
	// maxAhead leaves the reserve, which stands at most 30 days, time for its execution.
	maxAhead = 29 * 24 * time.Hour
)

// decodeStrict reads one JSON document into v: unknown fields and trailing data are refused, naming the field.
func decodeStrict(body []byte, v any) *client.Problem {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, end := dec.Token(); end == io.EOF {
			return nil
		}
		return problem(http.StatusBadRequest, codeMalformed, "data after the JSON document")
	}
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	unknown, isUnknown := strings.CutPrefix(err.Error(), "json: unknown field ")
	switch {
	case errors.As(err, &kind):
		return invalid(field(location(kind.Field), kind.Value, "want %s", jsonType(kind)))
	case isUnknown:
		return invalid(field(location(strings.Trim(unknown, `"`)), nil, "unknown field"))
	case errors.As(err, &syntax):
		return problem(http.StatusBadRequest, codeMalformed, "not JSON: "+syntax.Error(), field("body", nil, "at byte %d", syntax.Offset))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return problem(http.StatusBadRequest, codeMalformed, "not JSON: the document ends early")
	}
	return invalid(field("body", nil, "%s", strings.TrimPrefix(err.Error(), "json: ")))
}

func location(path string) string {
	if path == "" {
		return "body"
	}
	return "body." + path
}

func jsonType(e *json.UnmarshalTypeError) string {
	switch e.Type.Kind().String() {
	case "struct", "map":
		return "an object"
	case "slice":
		return "an array"
	}
	return "a " + e.Type.Kind().String()
}

// checkKey judges an Idempotency-Key.
func checkKey(key string) []client.FieldError {
	const where = "header.Idempotency-Key"
	if key == "" {
		return []client.FieldError{field(where, key, "required: a key of your own, the same whenever the same payment is sent again")}
	}
	if len(key) > maxKey {
		return []client.FieldError{field(where, key[:maxKey]+"…", "longer than %d characters", maxKey)}
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return []client.FieldError{field(where, key, "want printable ASCII without blanks")}
		}
	}
	return nil
}

// checker gathers every field that is wrong.
type checker struct{ errs []client.FieldError }

func (c *checker) add(path string, value any, format string, args ...any) {
	c.errs = append(c.errs, field("body."+path, value, format, args...))
}

// text checks a free text: present where required, not longer than most characters, no control characters.
func (c *checker) text(path, v string, required bool, most int) bool {
	switch {
	case v == "":
		if required {
			c.add(path, v, "required")
		}
		return !required
	case strings.TrimSpace(v) == "":
		c.add(path, v, "blank")
	case len([]rune(v)) > most:
		c.add(path, v, "longer than %d characters", most)
	case strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }):
		c.add(path, v, "holds control characters or is not UTF-8")
	default:
		return true
	}
	return false
}

// code checks that v is between least and most characters of class.
func (c *checker) code(path, v string, least, most int, class func(byte) bool, what string) bool {
	ok := len(v) >= least && len(v) <= most
	for i := 0; ok && i < len(v); i++ {
		ok = class(v[i])
	}
	if !ok {
		c.add(path, v, "want %s", what)
	}
	return ok
}

func upper(b byte) bool        { return b >= 'A' && b <= 'Z' }
func digit(b byte) bool        { return b >= '0' && b <= '9' }
func upperOrDigit(b byte) bool { return upper(b) || digit(b) }

// amount checks m as money in want (any currency where empty), above zero.
func (c *checker) amount(path string, m client.Money, want money.Currency) (money.Amount, bool) {
	cur, err := money.ParseCurrency(m.Currency)
	if err != nil {
		c.add(path+".currency", m.Currency, "%s", why(err))
		return money.Amount{}, false
	}
	if want != "" && cur != want {
		c.add(path+".currency", m.Currency, "want %s", string(want))
		return money.Amount{}, false
	}
	a, err := money.ParseAmount(m.Value, cur)
	if err != nil {
		c.add(path+".value", m.Value, "%s", why(err))
		return money.Amount{}, false
	}
	if !a.IsPositive() {
		c.add(path+".value", m.Value, "must be more than zero")
		return money.Amount{}, false
	}
	return a, true
}

func why(err error) string {
	var p *money.ParseError
	if errors.As(err, &p) {
		return p.Why
	}
	return err.Error()
}

func (c *checker) country(path, v string) bool {
	return c.code(path, v, 2, 2, upper, "an ISO 3166-1 alpha-2 country, two capital letters")
}

// party checks who is paid or pays: in country, where one is wanted, and with an account, where one is required.
func (c *checker) party(path string, p client.Party, country string, account bool) {
	c.text(path+".name", p.Name, true, 140)
	if c.country(path+".country", p.Country) && country != "" && p.Country != country {
		c.add(path+".country", p.Country, "the corridor pays to %s", country)
	}
	if c.text(path+".account", p.Account, account, 34) {
		if wrong := ibanWrong(p.Account, p.Country); wrong != "" {
			c.add(path+".account", p.Account, "%s", wrong)
		}
	}
	if p.AgentBIC != "" {
		const want = "a BIC: 8 or 11 capital letters and digits, letters in the 5th and 6th place"
		if c.code(path+".agentBic", p.AgentBIC, 8, 11, upperOrDigit, want) &&
			(len(p.AgentBIC) == 9 || len(p.AgentBIC) == 10 || !upper(p.AgentBIC[4]) || !upper(p.AgentBIC[5])) {
			c.add(path+".agentBic", p.AgentBIC, "want %s", want)
		}
	}
	if p.CNAPS != "" {
		c.code(path+".cnaps", p.CNAPS, 12, 12, digit, "a CNAPS bank code, 12 digits")
	}
	c.text(path+".town", p.Town, false, 35)
	c.text(path+".street", p.Street, false, 70)
	c.text(path+".postCode", p.PostCode, false, 16)
}

// ibanCountries have an IBAN by law or agreement (SWIFT's IBAN registry), as far as corridors reach them.
const ibanCountries = " AD AE AT AZ BA BE BG BH BR CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IL IS IT KW LI LT LU LV MC MT NL NO PL PT QA RO RS SA SE SI SK SM TR UA VA "

// isIBAN says whether an account is meant as an IBAN.
func isIBAN(account, country string) bool {
	return len(account) >= 15 && len(country) == 2 && strings.HasPrefix(account, country) && digit(account[2]) && digit(account[3]) &&
		strings.Contains(ibanCountries, " "+country+" ")
}

// ibanWrong says what is wrong with an account that must be or looks like an IBAN; empty where nothing is.
func ibanWrong(account, country string) string {
	for i := range len(account) {
		if b := account[i]; !upperOrDigit(b) && !(b >= 'a' && b <= 'z') && !strings.ContainsRune("-/.", rune(b)) {
			return "want letters, digits, '-', '/' or '.'"
		}
	}
	if !isIBAN(account, country) {
		return ""
	}
	rest := 0
	for _, b := range []byte(account[4:] + account[:4]) {
		switch {
		case digit(b):
			rest = (rest*10 + int(b-'0')) % 97
		case upper(b):
			rest = (rest*100 + int(b-'A') + 10) % 97
		default:
			return "an IBAN has capital letters and digits only"
		}
	}
	if rest != 1 {
		return "the IBAN's check digits are wrong"
	}
	return ""
}

func (c *checker) metadata(m map[string]string) {
	if len(m) > maxMetadata {
		c.add("metadata", len(m), "more than %d entries", maxMetadata)
	}
	for k, v := range m {
		if c.text("metadata", k, true, maxMetaKey) {
			c.text("metadata."+k, v, false, maxMetaValue)
		}
	}
}

// purpose checks a purpose code's form, and that the corridor allows it.
func (c *checker) purpose(v string, corridor *plan.Corridor) {
	if v != "" && !c.code("purpose", v, 1, 4, upperOrDigit, "an ISO 20022 external purpose code, up to four capital letters and digits") {
		return
	}
	if len(corridor.Purposes) == 0 {
		return
	}
	for _, allowed := range corridor.Purposes {
		if allowed == v {
			return
		}
	}
	c.add("purpose", v, "the corridor allows %s", strings.Join(corridor.Purposes, ", "))
}

// checkPayment judges a request against the corridor that it names; the account's existence and balance are the ledger's to judge.
func checkPayment(req *client.PaymentRequest, corridor *plan.Corridor, now time.Time) (money.Amount, []client.FieldError) {
	var c checker
	c.customer("account", req.Account, corridor.SourceCurrency)
	amount, _ := c.amount("amount", req.Amount, money.Currency(corridor.SourceCurrency))
	c.party("beneficiary", req.Beneficiary, corridor.DestinationCountry, true)
	if req.Debtor != nil {
		c.party("debtor", *req.Debtor, "", false)
	}
	c.purpose(req.Purpose, corridor)
	c.text("reference", req.Reference, false, 140)
	c.metadata(req.Metadata)
	if req.UETR != "" {
		if id, err := uuid.Parse(req.UETR); err != nil || id.String() != req.UETR || id.Version() != 4 || id.Variant() != uuid.RFC4122 {
			c.add("uetr", req.UETR, "want a UUID of version 4 in lower case")
		}
	}
	if at := req.ExecuteAt; at != nil && at.After(now.Add(maxAhead)) {
		c.add("executeAt", at.Format(time.RFC3339), "more than %d days ahead", int(maxAhead/(24*time.Hour)))
	}
	return amount, c.errs
}
