package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// pattern matches the regular expressions of the official schemas: a row of character classes, each with a count, and optional
// groups of one class. Where counts vary, the next class never takes what the one before could, so that matching needs no way back.
type pattern struct {
	text  string
	steps []step
}

type step struct {
	set      [4]uint64 // of the 256 bytes
	min, max int
	// optional steps may be left out whole ({0,1} around min and max).
	optional bool
}

func (s *step) has(b byte) bool { return s.set[b>>6]&(1<<(b&63)) != 0 }

func (p *pattern) match(s string) bool {
	for i := range p.steps {
		st := &p.steps[i]
		n := 0
		for n < len(s) && n < st.max && st.has(s[n]) {
			n++
		}
		if n < st.min && !(st.optional && n == 0) {
			return false
		}
		s = s[n:]
	}
	return s == ""
}

func newPattern(text string) (*pattern, error) {
	p := &pattern{text: text}
	rest := text
	for rest != "" {
		var st step
		var err error
		if rest[0] == '(' {
			inner, after, ok := strings.Cut(rest[1:], ")")
			if !ok || !strings.HasPrefix(after, "{0,1}") {
				return nil, fmt.Errorf("pattern %q: a group that is not optional", text)
			}
			var left string
			if left, err = st.read(inner); err == nil && left != "" {
				err = fmt.Errorf("a group of more than one class")
			}
			st.optional, rest = true, after[len("{0,1}"):]
		} else {
			rest, err = st.read(rest)
		}
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", text, err)
		}
		p.steps = append(p.steps, st)
	}
	for i := range len(p.steps) - 1 {
		if a, b := &p.steps[i], &p.steps[i+1]; (a.min != a.max || a.optional) && a.overlaps(b) {
			return nil, fmt.Errorf("pattern %q: ambiguous", text)
		}
	}
	return p, nil
}

func (s *step) overlaps(o *step) bool {
	for i := range s.set {
		if s.set[i]&o.set[i] != 0 {
			return true
		}
	}
	return false
}

func (s *step) add(b byte) { s.set[b>>6] |= 1 << (b & 63) }

// read takes one class and its count off text.
func (s *step) read(text string) (rest string, err error) {
	switch text[0] {
	case '[':
		if rest, err = s.readClass(text[1:]); err != nil {
			return "", err
		}
	case '\\':
		if len(text) < 2 {
			return "", fmt.Errorf("ends in a backslash")
		}
		s.add(text[1])
		rest = text[2:]
	case '{', '}', '*', '?', '.', '|', '^', '$', ']', ')':
		return "", fmt.Errorf("%q is not known", text[0])
	default:
		s.add(text[0])
		rest = text[1:]
	}
	s.min, s.max = 1, 1
	if !strings.HasPrefix(rest, "{") {
		return rest, nil
	}
	count, after, ok := strings.Cut(rest[1:], "}")
	if !ok {
		return "", fmt.Errorf("a count without end")
	}
	lo, hi, ranged := strings.Cut(count, ",")
	if !ranged {
		hi = lo
	}
	if s.min, err = strconv.Atoi(lo); err != nil {
		return "", err
	}
	s.max, err = strconv.Atoi(hi)
	return after, err
}

func (s *step) readClass(text string) (rest string, err error) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == ']':
			return text[i+1:], nil
		case c == '\\' && i+1 < len(text):
			i++
			s.add(text[i])
		case i+2 < len(text) && text[i+1] == '-' && text[i+2] != ']':
			for b := c; b <= text[i+2]; b++ {
				s.add(b)
			}
			i += 2
		default:
			s.add(c)
		}
	}
	return "", fmt.Errorf("a class without end")
}

// example is a text that matches, with choices made by pick (a number below n).
func (p *pattern) example(pick func(n int) int) string {
	var b strings.Builder
	for i := range p.steps {
		st := &p.steps[i]
		if st.optional && pick(2) == 0 {
			continue
		}
		var all []byte
		for c := range 256 {
			if st.has(byte(c)) {
				all = append(all, byte(c))
			}
		}
		for range st.min + pick(st.max-st.min+1) {
			b.WriteByte(all[pick(len(all))])
		}
	}
	return b.String()
}
