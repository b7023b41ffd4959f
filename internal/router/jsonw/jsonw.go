// Package jsonw appends JSON to a buffer, byte for byte as encoding/json writes it, without reflection and almost without garbage: for
// the few documents of which every payment writes several. What a document's fields are stands where the document is known; that the
// two ways agree is tested there.
package jsonw

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Writer appends fields to Buf. The first error stays in Err, and what is in Buf is worth nothing then.
type Writer struct {
	Buf []byte
	Err error
}

// Open begins an object.
func (w *Writer) Open() { w.Buf = append(w.Buf, '{') }

// Close ends an object.
func (w *Writer) Close() { w.Buf = append(w.Buf, '}') }

// Key begins a field; names are plain ASCII that needs no escapes.
func (w *Writer) Key(name string) {
	if w.Buf[len(w.Buf)-1] != '{' {
		w.Buf = append(w.Buf, ',')
	}
	w.Buf = append(w.Buf, '"')
	w.Buf = append(w.Buf, name...)
	w.Buf = append(w.Buf, '"', ':')
}

// Text writes a field of text.
func (w *Writer) Text(name, v string) {
	w.Key(name)
	w.quote(v)
}

// TextIf writes a field of text where there is any.
func (w *Writer) TextIf(name, v string) {
	if v != "" {
		w.Text(name, v)
	}
}

// Int writes a field with a number.
func (w *Writer) Int(name string, v int64) {
	w.Key(name)
	w.Buf = strconv.AppendInt(w.Buf, v, 10)
}

// IntIf writes a field with a number where it is not zero.
func (w *Writer) IntIf(name string, v int64) {
	if v != 0 {
		w.Int(name, v)
	}
}

// Bool writes a field with true or false.
func (w *Writer) Bool(name string, v bool) {
	w.Key(name)
	w.Buf = strconv.AppendBool(w.Buf, v)
}

// Time writes a field with a time; a time that JSON cannot hold is an error.
func (w *Writer) Time(name string, t time.Time) {
	w.Key(name)
	w.Buf = append(w.Buf, '"')
	b, err := t.AppendText(w.Buf)
	if err != nil {
		w.fail(err)
		return
	}
	w.Buf = append(b, '"')
}

// UUID writes a field with a UUID as text.
func (w *Writer) UUID(name string, id uuid.UUID) {
	w.Key(name)
	w.Buf = append(AppendUUID(append(w.Buf, '"'), id), '"')
}

// AppendUUID writes a UUID's text.
func AppendUUID(b []byte, id uuid.UUID) []byte {
	const digits = "0123456789abcdef"
	for i, v := range id {
		switch i {
		case 4, 6, 8, 10:
			b = append(b, '-')
		}
		b = append(b, digits[v>>4], digits[v&15])
	}
	return b
}

// Any writes a field as encoding/json would: for what is rare.
func (w *Writer) Any(name string, v any) {
	w.Key(name)
	b, err := json.Marshal(v)
	if err != nil {
		w.fail(err)
		return
	}
	w.Buf = append(w.Buf, b...)
}

func (w *Writer) fail(err error) {
	if w.Err == nil {
		w.Err = err
	}
}

// quote writes text; what needs escapes is left to encoding/json.
func (w *Writer) quote(s string) {
	wide := false
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			w.escape(s)
			return
		}
		wide = wide || c >= utf8.RuneSelf
	}
	if wide && !plain(s) {
		w.escape(s)
		return
	}
	w.Buf = append(w.Buf, '"')
	w.Buf = append(w.Buf, s...)
	w.Buf = append(w.Buf, '"')
}

// plain says whether text past ASCII stands for itself: it is UTF-8 without the two line ends that JavaScript knows.
func plain(s string) bool {
	for i, r := range s {
		switch r {
		case '\u2028', '\u2029':
			return false
		case utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return false
			}
		}
	}
	return true
}

func (w *Writer) escape(s string) {
	b, err := json.Marshal(s)
	if err != nil {
		w.fail(err)
		return
	}
	w.Buf = append(w.Buf, b...)
}
