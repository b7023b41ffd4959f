package isomsg

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"qiantang.dev/rails/internal/iso20022"
)

// moment is how CBPR+ wants a time: to the second, with its offset to UTC in digits.
const moment = "2006-01-02T15:04:05-07:00"

// Moment writes a time as CBPR+ wants it, in UTC.
func Moment(t time.Time) string { return t.UTC().Format(moment) }

// Name makes the identification of a message that we write, 32 characters that follow from what it is about.
func Name(about ...string) string {
	h := sha256.Sum256([]byte(strings.Join(about, "\x00")))
	return hex.EncodeToString(h[:16])
}

// SameBIC says whether two BICs are one: eight characters are the head office, as are eleven that end in XXX.
func SameBIC(a, b string) bool { return a != "" && office(a) == office(b) }

func office(bic string) string {
	if len(bic) == 11 {
		return strings.TrimSuffix(bic, "XXX")
	}
	return bic
}

func agent(bic string) *iso20022.Agent { return &iso20022.Agent{BIC: bic} }

// BIC is an agent's, empty where it has none.
func BIC(a *iso20022.Agent) string {
	if a == nil {
		return ""
	}
	return a.BIC
}

// Reasons writes a reason with its words, as long as the element may be and in CBPR+'s narrow character set.
func Reasons(code, detail string) []iso20022.Reason {
	words := []rune(strings.Map(narrow, detail))
	var parts []string
	for len(words) > 0 && len(parts) < 4 {
		n := min(105, len(words))
		parts = append(parts, string(words[:n]))
		words = words[n:]
	}
	return []iso20022.Reason{{Reason: &iso20022.Code{Code: code}, Additional: parts}}
}

// narrow is a character of FIN X, or one in the place of what is none.
func narrow(c rune) rune {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("/-?:().,'+ ", c):
		return c
	case c == '"':
		return '\''
	case c == ';':
		return ','
	case c == '_':
		return '-'
	}
	return '?'
}

// plain says whether a text is an identification that CBPR+ takes: 1 to 35 characters of FIN X.
func plain(s string) bool {
	return s != "" && len(s) <= 35 && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(c rune) bool { return c != narrow(c) })
}
