package codec

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxAttributes and maxExtensionDepth bound what the grammar does not.
const (
	maxAttributes     = 16
	maxExtensionDepth = 32
	xsiNamespace      = "http://www.w3.org/2001/XMLSchema-instance"
	xmlNamespace      = "http://www.w3.org/XML/1998/namespace"
)

// scanner cuts a document into tags and text.
type scanner struct {
	s   string
	pos int

	namespace string // that elements must be in; empty: any
	bound     []binding
	inDefault bool // the default namespace is the wanted one

	tag tag
}

type binding struct{ prefix, uri string }

// tag is the start tag last read.
type tag struct {
	name  string // as written, with its prefix
	local string
	empty bool // <a/>
	attrs []attr
	undo  int // len(bound) before its own declarations
	own   bool
}

type attr struct{ name, value string }

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }

var nameByte = func() (t [256]bool) {
	for b := range 256 {
		t[b] = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-' || b == '.' || b >= 0x80
	}
	return t
}()

// prepare checks the document as a whole: encoding and characters; and passes the XML declaration.
func (c *scanner) prepare() string {
	c.s = strings.TrimPrefix(c.s, "\uFEFF")
	for i := range len(c.s) {
		if b := c.s[i]; b < ' ' && !isSpace(b) {
			c.pos = i
			if i == 0 || b == 0 {
				return "not XML in UTF-8"
			}
			return "a control character, which XML does not allow"
		}
	}
	if !utf8.ValidString(c.s) {
		return "not UTF-8"
	}
	if i := strings.Index(c.s, "\uFFFE"); i >= 0 {
		c.pos = i
		return "U+FFFE, which XML does not allow"
	}
	if i := strings.Index(c.s, "\uFFFF"); i >= 0 {
		c.pos = i
		return "U+FFFF, which XML does not allow"
	}
	if !strings.HasPrefix(c.s, "<?xml") {
		return ""
	}
	end := strings.Index(c.s, "?>")
	if end < 0 {
		return "an XML declaration without end"
	}
	decl := c.s[5:end]
	c.pos = end + 2
	return checkDeclaration(decl)
}

func checkDeclaration(decl string) string {
	for i, name := range []string{"version", "encoding", "standalone"} {
		rest := strings.TrimLeft(decl, " \t\r\n")
		if !strings.HasPrefix(rest, name) {
			if i == 0 {
				return "an XML declaration without version"
			}
			continue
		}
		if rest == decl {
			return "malformed XML declaration"
		}
		rest = strings.TrimLeft(rest[len(name):], " \t\r\n")
		if rest == "" || rest[0] != '=' {
			return "malformed XML declaration"
		}
		rest = strings.TrimLeft(rest[1:], " \t\r\n")
		if rest == "" || rest[0] != '"' && rest[0] != '\'' {
			return "malformed XML declaration"
		}
		value, after, ok := strings.Cut(rest[1:], rest[:1])
		if !ok {
			return "malformed XML declaration"
		}
		switch {
		case name == "version" && value != "1.0":
			return "XML version " + strconv.Quote(value) + ": want 1.0"
		case name == "encoding" && !strings.EqualFold(value, "utf-8"):
			return "encoding " + strconv.Quote(shorten(value)) + ": want UTF-8"
		case name == "standalone" && value != "yes" && value != "no":
			return "malformed XML declaration"
		}
		decl = after
	}
	if strings.TrimLeft(decl, " \t\r\n") != "" {
		return "malformed XML declaration"
	}
	return ""
}

// blank passes white space, comments and processing instructions, and stops at anything else.
func (c *scanner) blank() (why string) {
	for {
		for c.pos < len(c.s) && isSpace(c.s[c.pos]) {
			c.pos++
		}
		if c.pos+1 >= len(c.s) || c.s[c.pos] != '<' {
			return ""
		}
		switch c.s[c.pos+1] {
		case '!':
			if why = c.comment(); why != "" {
				return why
			}
		case '?':
			if why = c.instruction(); why != "" {
				return why
			}
		default:
			return ""
		}
	}
}

func (c *scanner) comment() (why string) {
	rest := c.s[c.pos:]
	switch {
	case strings.HasPrefix(rest, "<!DOCTYPE"):
		return "a document type definition is refused"
	case !strings.HasPrefix(rest, "<!--"):
		return "malformed markup"
	}
	end := strings.Index(rest[4:], "--")
	if end < 0 {
		return "a comment without end"
	}
	if !strings.HasPrefix(rest[4+end:], "-->") {
		return "-- within a comment"
	}
	c.pos += 4 + end + 3
	return ""
}

func (c *scanner) instruction() (why string) {
	rest := c.s[c.pos+2:]
	end := strings.Index(rest, "?>")
	if end < 0 {
		return "a processing instruction without end"
	}
	target := rest[:end]
	if i := strings.IndexAny(target, " \t\r\n"); i >= 0 {
		target = target[:i]
	}
	if !isName(target) || strings.EqualFold(target, "xml") {
		return "malformed processing instruction"
	}
	c.pos += 2 + end + 2
	return ""
}

// isName takes the names of XML without colon, of ASCII alone: those of ISO 20022 and of what comes with it.
func isName(s string) bool {
	if s == "" || s[0] >= '0' && s[0] <= '9' || s[0] == '-' || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		if !nameByte[s[i]] || s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// start reads the start tag at pos into tag.
func (c *scanner) start() (why string) {
	i := c.pos + 1
	begin := i
	for i < len(c.s) && nameByte[c.s[i]] {
		i++
	}
	prefix := ""
	local := c.s[begin:i]
	if i < len(c.s) && c.s[i] == ':' {
		prefix = local
		if !isName(prefix) {
			return "malformed name"
		}
		i++
		from := i
		for i < len(c.s) && nameByte[c.s[i]] {
			i++
		}
		local = c.s[from:i]
	}
	if !isName(local) {
		return "malformed tag"
	}
	c.tag.name, c.tag.local = c.s[begin:i], local
	c.tag.empty, c.tag.own, c.tag.undo = false, false, len(c.bound)
	c.tag.attrs = c.tag.attrs[:0]
	if i < len(c.s) && c.s[i] == '>' {
		c.pos = i + 1
	} else if why = c.attributes(i); why != "" {
		return why
	}
	if prefix == "" && c.inDefault || c.namespace == "" {
		return ""
	}
	uri, ok := c.lookup(prefix)
	if !ok && prefix != "" {
		return "namespace prefix " + strconv.Quote(prefix) + " is not declared"
	}
	if uri != c.namespace {
		return "is in namespace " + strconv.Quote(shorten(uri)) + ", want " + strconv.Quote(c.namespace)
	}
	return ""
}

// end reads the end tag of the element with the name as written.
func (c *scanner) end(name string) (why string) {
	i := c.pos + 2
	if !strings.HasPrefix(c.s[min(i, len(c.s)):], name) {
		return "is not closed by its own end tag"
	}
	i += len(name)
	for i < len(c.s) && isSpace(c.s[i]) {
		i++
	}
	if i >= len(c.s) || c.s[i] != '>' {
		return "is not closed by its own end tag"
	}
	c.pos = i + 1
	return ""
}

// text reads text up to the next tag.
func (c *scanner) text() (text, why string) {
	i := strings.IndexByte(c.s[c.pos:], '<')
	if i < 0 {
		return "", "text without end"
	}
	text = c.s[c.pos : c.pos+i]
	c.pos += i
	if text, why = unescape(text); why != "" || c.pos+1 >= len(c.s) || c.s[c.pos+1] == '/' {
		return text, why
	}
	return c.mixed(text)
}

// mixed reads on after text that a comment, an instruction or a CDATA section interrupts.
func (c *scanner) mixed(text string) (string, string) {
	var b strings.Builder
	b.WriteString(text)
	for c.pos+1 < len(c.s) {
		rest := c.s[c.pos:]
		switch {
		case strings.HasPrefix(rest, "<![CDATA["):
			end := strings.Index(rest, "]]>")
			if end < 0 {
				return "", "a CDATA section without end"
			}
			b.WriteString(strings.ReplaceAll(strings.ReplaceAll(rest[len("<![CDATA["):end], "\r\n", "\n"), "\r", "\n"))
			c.pos += end + 3
		case strings.HasPrefix(rest, "<!"):
			if why := c.comment(); why != "" {
				return "", why
			}
		case strings.HasPrefix(rest, "<?"):
			if why := c.instruction(); why != "" {
				return "", why
			}
		case rest[0] == '<':
			return b.String(), ""
		default:
			i := strings.IndexByte(rest, '<')
			if i < 0 {
				return "", "text without end"
			}
			more, why := unescape(rest[:i])
			if why != "" {
				return "", why
			}
			b.WriteString(more)
			c.pos += i
		}
	}
	return "", "text without end"
}
