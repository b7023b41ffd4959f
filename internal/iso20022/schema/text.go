package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Text says which text a simple type allows.
type Text struct {
	// Base is the XML Schema type that it restricts: string, decimal, boolean, date, dateTime, time, gYearMonth.
	Base             string
	MinLen, MaxLen   int // in characters; MaxLen 0: no bound
	Codes            []string
	Total, Fraction  int  // digits of a decimal; 0: no bound
	NotNegative      bool // of a decimal
	pattern          *pattern
	hasFractionFacet bool
}

func newText(args []string) (*Text, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("no base")
	}
	t := &Text{Base: args[0]}
	for _, a := range args[1:] {
		k, v, _ := strings.Cut(a, "=")
		var err error
		switch k {
		case "minLength":
			t.MinLen, err = strconv.Atoi(v)
		case "maxLength":
			t.MaxLen, err = strconv.Atoi(v)
		case "totalDigits":
			t.Total, err = strconv.Atoi(v)
		case "fractionDigits":
			t.Fraction, err = strconv.Atoi(v)
			t.hasFractionFacet = true
		case "minInclusive":
			t.NotNegative = true
			if v != "0" {
				err = fmt.Errorf("minInclusive %q", v)
			}
		case "enumeration":
			t.Codes = append(t.Codes, v)
		case "pattern":
			t.pattern, err = newPattern(v)
		default:
			err = fmt.Errorf("facet %q", k)
		}
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Check returns why s is not allowed, or "".
func (t *Text) Check(s string) string {
	if t.Base != "string" {
		return t.checkBase(s)
	}
	if t.pattern != nil {
		if !t.pattern.match(s) {
			return "does not match " + t.pattern.text
		}
	}
	if t.MinLen > 0 || t.MaxLen > 0 {
		n := len(s)
		if n > t.MaxLen && t.MaxLen > 0 || n < t.MinLen*utf8.UTFMax {
			n = utf8.RuneCountInString(s)
		}
		if n < t.MinLen {
			return fmt.Sprintf("shorter than %d characters", t.MinLen)
		}
		if t.MaxLen > 0 && n > t.MaxLen {
			return fmt.Sprintf("longer than %d characters", t.MaxLen)
		}
	}
	if t.Codes != nil {
		for _, c := range t.Codes {
			if c == s {
				return ""
			}
		}
		if len(t.Codes) > 12 {
			return "not one of its codes"
		}
		return "not one of " + strings.Join(t.Codes, ", ")
	}
	return ""
}

func (t *Text) checkBase(s string) string {
	switch t.Base {
	case "decimal":
		return t.checkDecimal(s)
	case "boolean":
		if s != "true" && s != "false" && s != "1" && s != "0" {
			return "want true or false"
		}
	case "date":
		if rest, ok := cutDate(s); !ok || !isZone(rest) {
			return "want a date, YYYY-MM-DD"
		}
	case "dateTime":
		rest, ok := cutDate(s)
		if !ok || rest == "" || rest[0] != 'T' {
			return "want a date and time, YYYY-MM-DDThh:mm:ss with an offset"
		}
		if rest, ok = cutTime(rest[1:]); !ok || !isZone(rest) {
			return "want a date and time, YYYY-MM-DDThh:mm:ss with an offset"
		}
	case "time":
		if rest, ok := cutTime(s); !ok || !isZone(rest) {
			return "want a time, hh:mm:ss"
		}
	case "gYearMonth":
		if len(s) < 7 {
			return "want a year and month, YYYY-MM"
		}
		if _, ok := cutDate(s[:7] + "-01"); !ok || !isZone(s[7:]) {
			return "want a year and month, YYYY-MM"
		}
	}
	return ""
}

// checkDecimal is stricter than XML Schema: no sign but a minus where it is allowed, digits on both sides of a point.
func (t *Text) checkDecimal(s string) string {
	const want = "want digits, optionally a point and more digits"
	if strings.HasPrefix(s, "-") {
		if t.NotNegative {
			return "negative"
		}
		s = s[1:]
	}
	whole, frac, dot := strings.Cut(s, ".")
	if whole == "" || dot && frac == "" {
		return want
	}
	for _, part := range [2]string{whole, frac} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return want
			}
		}
	}
	// Zeros that change nothing do not count in XML Schema.
	whole, frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if t.hasFractionFacet && len(frac) > t.Fraction {
		return fmt.Sprintf("more than %d decimal places", t.Fraction)
	}
	if t.Total > 0 && len(whole)+len(frac) > t.Total {
		return fmt.Sprintf("more than %d digits", t.Total)
	}
	return ""
}

func number(s string, lo, hi int) bool {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n >= lo && n <= hi
}

func cutDate(s string) (rest string, ok bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' || !number(s[:4], 1, 9999) || !number(s[5:7], 1, 12) || !number(s[8:10], 1, 31) {
		return "", false
	}
	if s[8] >= '3' || s[8] == '2' && s[9] == '9' {
		if _, err := time.Parse(time.DateOnly, s[:10]); err != nil {
			return "", false
		}
	}
	return s[10:], true
}

func cutTime(s string) (rest string, ok bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' || !number(s[:2], 0, 23) || !number(s[3:5], 0, 59) || !number(s[6:8], 0, 59) {
		return "", false
	}
	s = s[8:]
	if s == "" || s[0] != '.' {
		return s, true
	}
	i := 1
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[i:], i > 1 && i <= 10
}

func isZone(s string) bool {
	if s == "" || s == "Z" {
		return true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' || !number(s[4:], 0, 59) {
		return false
	}
	return number(s[1:3], 0, 13) || s[1:] == "14:00"
}

// Example is a text that the type's pattern allows, "" where it has none; pick chooses a number below n. It is for tests.
func (t *Text) Example(pick func(n int) int) string {
	if t.pattern == nil {
		return ""
	}
	return t.pattern.example(pick)
}
