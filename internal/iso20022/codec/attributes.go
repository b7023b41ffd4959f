package codec

import (
	"strconv"
	"strings"
)

// attributes reads what follows a start tag's name, from i on.
func (c *scanner) attributes(i int) (why string) {
	for {
		begin := i
		for i < len(c.s) && isSpace(c.s[i]) {
			i++
		}
		if i >= len(c.s) {
			return "a tag without end"
		}
		if c.s[i] == '>' {
			c.pos = i + 1
			return c.declare()
		}
		if c.s[i] == '/' {
			if i+1 >= len(c.s) || c.s[i+1] != '>' {
				return "malformed tag"
			}
			c.pos, c.tag.empty = i+2, true
			return c.declare()
		}
		if i == begin {
			return "malformed tag"
		}
		var a attr
		if a, i, why = c.attribute(i); why != "" {
			return why
		}
		for _, b := range c.tag.attrs {
			if a.name == b.name {
				return "attribute " + strconv.Quote(shorten(a.name)) + " twice"
			}
		}
		if len(c.tag.attrs) == maxAttributes {
			return "too many attributes"
		}
		c.tag.attrs = append(c.tag.attrs, a)
	}
}

func (c *scanner) attribute(i int) (a attr, next int, why string) {
	begin := i
	for i < len(c.s) && (nameByte[c.s[i]] || c.s[i] == ':') {
		i++
	}
	a.name = c.s[begin:i]
	prefix, local, ok := strings.Cut(a.name, ":")
	if !isName(prefix) || ok && !isName(local) {
		return a, i, "malformed attribute"
	}
	for i < len(c.s) && isSpace(c.s[i]) {
		i++
	}
	if i >= len(c.s) || c.s[i] != '=' {
		return a, i, "malformed attribute"
	}
	i++
	for i < len(c.s) && isSpace(c.s[i]) {
		i++
	}
	if i >= len(c.s) || c.s[i] != '"' && c.s[i] != '\'' {
		return a, i, "malformed attribute"
	}
	end := strings.IndexByte(c.s[i+1:], c.s[i])
	if end < 0 {
		return a, i, "an attribute without end"
	}
	raw := c.s[i+1 : i+1+end]
	if strings.IndexByte(raw, '<') >= 0 {
		return a, i, "< within an attribute"
	}
	if a.value, why = unescape(raw); why != "" {
		return a, i, why
	}
	return a, i + end + 2, ""
}

// declare takes the namespace declarations out of the tag's attributes.
func (c *scanner) declare() (why string) {
	kept := c.tag.attrs[:0]
	for _, a := range c.tag.attrs {
		switch {
		case a.name == "xmlns":
			c.bound = append(c.bound, binding{"", a.value})
			c.inDefault, c.tag.own = a.value == c.namespace, true
		case strings.HasPrefix(a.name, "xmlns:"):
			prefix := a.name[len("xmlns:"):]
			if a.value == "" || prefix == "xmlns" || (prefix == "xml") != (a.value == xmlNamespace) {
				return "malformed namespace declaration"
			}
			c.bound = append(c.bound, binding{prefix, a.value})
			c.tag.own = true
		default:
			kept = append(kept, a)
		}
	}
	c.tag.attrs = kept
	return ""
}

// undeclare ends the scope of an element's declarations.
func (c *scanner) undeclare(to int) {
	c.bound = c.bound[:to]
	uri, _ := c.lookup("")
	c.inDefault = uri == c.namespace
}

func (c *scanner) lookup(prefix string) (string, bool) {
	for i := len(c.bound) - 1; i >= 0; i-- {
		if c.bound[i].prefix == prefix {
			return c.bound[i].uri, true
		}
	}
	if prefix == "xml" {
		return xmlNamespace, true
	}
	return "", false
}
