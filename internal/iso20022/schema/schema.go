package schema

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Kind is what a Type's content is.
type Kind uint8

// The kinds of content.
const (
	Sequence   Kind = iota // elements in a fixed order
	Choice                 // exactly one of several elements
	Simple                 // text
	Attributed             // text with one required attribute: an amount with its currency
	Any                    // any element: an extension that is not ours to check
)

// Unbounded is the Max of an element that may be repeated without end.
const Unbounded = 1 << 30

// Type is an element's type.
type Type struct {
	Name string
	Kind Kind
	// Elements of a Sequence (in order) or a Choice.
	Elements []Element
	// Text of a Simple or Attributed.
	Text *Text
	// Attribute of an Attributed, and its type.
	Attribute     string
	AttributeText *Text
}

// Element is a place for a child element: its name, and how often it may stand there.
type Element struct {
	Name     string
	Type     *Type
	Min, Max int
}

// Message is one message definition, such as pacs.008.001.08.
type Message struct {
	// ID is the definition's identifier, Namespace its XML namespace.
	ID, Namespace string
	Root          Element
}

// NamespacePrefix is what every ISO 20022 namespace begins with.
const NamespacePrefix = "urn:iso:std:iso:20022:tech:xsd:"

//go:embed grammar.txt
var grammar string

var load = sync.OnceValues(func() (map[string]*Message, map[string]*Type) {
	messages, types, err := parse(grammar)
	if err != nil {
		panic("schema: the embedded grammar is broken: " + err.Error())
	}
	return messages, types
})

// Lookup returns the definition of a message, such as "pacs.008.001.08".
func Lookup(id string) (*Message, bool) {
	messages, _ := load()
	m, ok := messages[id]
	return m, ok
}

// TypeOf returns a type by its name in the official schemas.
func TypeOf(name string) (*Type, bool) {
	_, types := load()
	t, ok := types[name]
	return t, ok
}

// Messages lists the identifiers of all definitions, in no order.
func Messages() []string {
	messages, _ := load()
	ids := make([]string, 0, len(messages))
	for id := range messages {
		ids = append(ids, id)
	}
	return ids
}

func parse(text string) (map[string]*Message, map[string]*Type, error) {
	messages, types := map[string]*Message{}, map[string]*Type{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, line := range lines {
		f := strings.Split(line, " ")
		if len(f) < 2 {
			return nil, nil, fmt.Errorf("line %q", line)
		}
		if f[0] == "message" {
			continue
		}
		t := &Type{Name: f[1]}
		if i := strings.IndexByte(f[1], '@'); i > 0 {
			t.Name = f[1][:i]
		}
		types[f[1]] = t
	}
	for _, line := range lines {
		f := strings.Split(line, " ")
		if f[0] == "message" {
			if len(f) != 4 || types[f[3]] == nil {
				return nil, nil, fmt.Errorf("line %q", line)
			}
			messages[f[1]] = &Message{ID: f[1], Namespace: NamespacePrefix + f[1], Root: Element{Name: f[2], Type: types[f[3]], Min: 1, Max: 1}}
			continue
		}
		if err := types[f[1]].define(f[0], f[2:], types); err != nil {
			return nil, nil, fmt.Errorf("line %q: %w", line, err)
		}
	}
	for _, line := range lines {
		if f := strings.Split(line, " "); f[0] == "attributed" {
			t := types[f[1]]
			base := types[f[2]]
			name, typ, _ := strings.Cut(f[3], ":")
			if base == nil || types[typ] == nil {
				return nil, nil, fmt.Errorf("line %q: unknown type", line)
			}
			t.Text, t.Attribute, t.AttributeText = base.Text, name, types[typ].Text
		}
	}
	return messages, types, nil
}

func (t *Type) define(kind string, args []string, types map[string]*Type) error {
	switch kind {
	case "any":
		t.Kind = Any
	case "attributed":
		t.Kind = Attributed
	case "simple":
		t.Kind = Simple
		text, err := newText(args)
		t.Text = text
		return err
	case "sequence", "choice":
		if t.Kind = Sequence; kind == "choice" {
			t.Kind = Choice
		}
		for _, a := range args {
			e, err := newElement(a, types)
			if err != nil {
				return err
			}
			t.Elements = append(t.Elements, e)
		}
	default:
		return fmt.Errorf("unknown kind %q", kind)
	}
	return nil
}

func newElement(s string, types map[string]*Type) (Element, error) {
	name, ref, ok := strings.Cut(s, ":")
	if !ok {
		return Element{}, fmt.Errorf("element %q", s)
	}
	e := Element{Name: name, Min: 1, Max: 1}
	switch {
	case strings.HasSuffix(ref, "?"):
		ref, e.Min = ref[:len(ref)-1], 0
	case strings.HasSuffix(ref, "*"):
		ref, e.Min, e.Max = ref[:len(ref)-1], 0, Unbounded
	case strings.HasSuffix(ref, "+"):
		ref, e.Max = ref[:len(ref)-1], Unbounded
	case strings.HasSuffix(ref, "}"):
		i := strings.IndexByte(ref, '{')
		lo, hi, _ := strings.Cut(ref[i+1:len(ref)-1], ",")
		ref = ref[:i]
		var err error
		if e.Min, err = strconv.Atoi(lo); err != nil {
			return Element{}, err
		}
		if e.Max, err = strconv.Atoi(hi); err != nil {
			return Element{}, err
		}
	}
	if e.Type = types[ref]; e.Type == nil {
		return Element{}, fmt.Errorf("element %q: unknown type %q", name, ref)
	}
	return e, nil
}
