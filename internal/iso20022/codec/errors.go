package codec

import "fmt"

// Error says what is wrong with a document, and where.
type Error struct {
	// Path to the element, such as /Document/FIToFICstmrCdtTrf/CdtTrfTxInf[2]/PmtId/UETR.
	Path string
	// Offset in the document in bytes; -1 for a document being written.
	Offset int
	// Value that is wrong, shortened; empty where it is the element itself.
	Value string
	Why   string
}

func (e *Error) Error() string {
	at := e.Path
	if e.Offset >= 0 {
		at = fmt.Sprintf("%s (byte %d)", e.Path, e.Offset)
	}
	if e.Value != "" {
		return fmt.Sprintf("%s: %q: %s", at, e.Value, e.Why)
	}
	return at + ": " + e.Why
}

const shownValue = 64

func shorten(s string) string {
	if len(s) <= shownValue {
		return s
	}
	cut := shownValue
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}
