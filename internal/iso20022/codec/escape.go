package codec

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescape resolves references in text between tags and normalises its line ends.
func unescape(s string) (text, why string) {
	plain := true
	for i := range len(s) {
		if b := s[i]; b == '&' || b == '\r' || b == ']' {
			plain = false
			break
		}
	}
	if plain {
		return s, ""
	}
	if strings.Contains(s, "]]>") {
		return "", "]]> within text"
	}
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			if b.Len() == 0 {
				return s, ""
			}
			b.WriteString(s)
			return b.String(), ""
		}
		b.WriteString(s[:i])
		name, after, ok := strings.Cut(s[i+1:], ";")
		if !ok || len(name) > 12 {
			return "", "& without a reference"
		}
		r, why := reference(name)
		if why != "" {
			return "", why
		}
		b.WriteRune(r)
		s = after
	}
}

func reference(name string) (rune, string) {
	switch name {
	case "lt":
		return '<', ""
	case "gt":
		return '>', ""
	case "amp":
		return '&', ""
	case "quot":
		return '"', ""
	case "apos":
		return '\'', ""
	}
	digits, base := strings.TrimPrefix(name, "#"), 10
	if digits == name {
		return 0, "entity " + strconv.Quote(name) + " is refused"
	}
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	r := rune(n)
	if err != nil || n > utf8.MaxRune || !isChar(r) {
		return 0, "character reference " + strconv.Quote(name) + " is not a character of XML"
	}
	return r, ""
}

// isChar reports whether XML 1.0 allows r.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// appendText appends s as text or attribute value, or says why it cannot be.
func appendText(dst []byte, s string) ([]byte, string) {
	from := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 || !isChar(r) {
				return dst, "holds a character that XML does not allow"
			}
			i += n
			continue
		}
		var ref string
		switch {
		case b == '&':
			ref = "&amp;"
		case b == '<':
			ref = "&lt;"
		case b == '>':
			ref = "&gt;"
		case b == '"':
			ref = "&quot;"
		case b == '\r':
			ref = "&#13;"
		case b < ' ' && b != '\n' && b != '\t':
			return dst, "holds a character that XML does not allow"
		}
		i++
		if ref != "" {
			dst = append(dst, s[from:i-1]...)
			dst = append(dst, ref...)
			from = i
		}
	}
	return append(dst, s[from:]...), ""
}
