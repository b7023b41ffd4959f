package distil

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

type xsd struct {
	Namespace string    `xml:"targetNamespace,attr"`
	Elements  []element `xml:"element"`
	Simple    []simple  `xml:"simpleType"`
	Complex   []complex `xml:"complexType"`
}

type element struct {
	Name string `xml:"name,attr"`
	Type string `xml:"type,attr"`
	Min  string `xml:"minOccurs,attr"`
	Max  string `xml:"maxOccurs,attr"`
}

type simple struct {
	Name        string      `xml:"name,attr"`
	Restriction restriction `xml:"restriction"`
}

type restriction struct {
	Base   string  `xml:"base,attr"`
	Facets []facet `xml:",any"`
}

type facet struct {
	XMLName xml.Name
	Value   string `xml:"value,attr"`
}

type complex struct {
	Name     string `xml:"name,attr"`
	Sequence *group `xml:"sequence"`
	Choice   *group `xml:"choice"`
	Content  *struct {
		Extension struct {
			Base       string `xml:"base,attr"`
			Attributes []struct {
				Name string `xml:"name,attr"`
				Type string `xml:"type,attr"`
				Use  string `xml:"use,attr"`
			} `xml:"attribute"`
		} `xml:"extension"`
	} `xml:"simpleContent"`
}

type group struct {
	Elements []element  `xml:"element"`
	Any      []struct{} `xml:"any"`
	Other    []facet    `xml:",any"`
}

// Write reads the schemas in files and writes their grammar. A type that two schemas define alike is written once; one that they
// define differently is written per message, as "Name@message".
func Write(w io.Writer, files []string) error {
	schemas := make(map[string]xsd, len(files))
	bodies := map[string]map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		var s xsd
		if err := xml.Unmarshal(b, &s); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		id := s.Namespace[strings.LastIndex(s.Namespace, ":")+1:]
		schemas[id] = s
		lines, err := s.lines(func(n string) string { return n })
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		for name, line := range lines {
			if bodies[name] == nil {
				bodies[name] = map[string]bool{}
			}
			bodies[name][line] = true
		}
	}
	ambiguous := closure(schemas, bodies)
	out := map[string]bool{}
	for id, s := range schemas {
		lines, err := s.lines(func(n string) string {
			if ambiguous[n] {
				return n + "@" + id
			}
			return n
		})
		if err != nil {
			return err
		}
		for _, line := range lines {
			out[line] = true
		}
		root := s.Elements[0]
		typ := root.Type
		if ambiguous[typ] {
			typ += "@" + id
		}
		out[fmt.Sprintf("message %s %s %s", id, root.Name, typ)] = true
	}
	_, err := io.WriteString(w, strings.Join(slices.Sorted(maps.Keys(out)), "\n")+"\n")
	return err
}

// closure is the set of type names that mean different things in different schemas, also through what they refer to.
func closure(schemas map[string]xsd, bodies map[string]map[string]bool) map[string]bool {
	ambiguous := map[string]bool{}
	for name, b := range bodies {
		if len(b) > 1 {
			ambiguous[name] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for _, s := range schemas {
			for _, c := range s.Complex {
				for _, ref := range c.refs() {
					if ambiguous[ref] && !ambiguous[c.Name] {
						ambiguous[c.Name], grown = true, true
					}
				}
			}
		}
	}
	return ambiguous
}

func (c complex) refs() []string {
	var refs []string
	for _, g := range []*group{c.Sequence, c.Choice} {
		if g != nil {
			for _, e := range g.Elements {
				refs = append(refs, e.Type)
			}
		}
	}
	if c.Content != nil {
		refs = append(refs, c.Content.Extension.Base)
	}
	return refs
}

func (s xsd) lines(name func(string) string) (map[string]string, error) {
	lines := map[string]string{}
	for _, t := range s.Simple {
		var b strings.Builder
		fmt.Fprintf(&b, "simple %s %s", name(t.Name), strings.TrimPrefix(t.Restriction.Base, "xs:"))
		for _, f := range t.Restriction.Facets {
			switch f.XMLName.Local {
			case "minLength", "maxLength", "pattern", "enumeration", "totalDigits", "fractionDigits", "minInclusive":
			default:
				return nil, fmt.Errorf("simple type %s: facet %s is not known", t.Name, f.XMLName.Local)
			}
			if strings.ContainsAny(f.Value, " \n") {
				return nil, fmt.Errorf("simple type %s: facet value %q holds a blank", t.Name, f.Value)
			}
			fmt.Fprintf(&b, " %s=%s", f.XMLName.Local, f.Value)
		}
		lines[t.Name] = b.String()
	}
	for _, c := range s.Complex {
		line, err := c.line(name)
		if err != nil {
			return nil, fmt.Errorf("complex type %s: %w", c.Name, err)
		}
		lines[c.Name] = line
	}
	return lines, nil
}

func (c complex) line(name func(string) string) (string, error) {
	kind, g := "sequence", c.Sequence
	switch {
	case c.Content != nil:
		x := c.Content.Extension
		if len(x.Attributes) != 1 || x.Attributes[0].Use != "required" {
			return "", fmt.Errorf("want one required attribute")
		}
		return fmt.Sprintf("attributed %s %s %s:%s", name(c.Name), name(x.Base), x.Attributes[0].Name, name(x.Attributes[0].Type)), nil
	case c.Choice != nil:
		kind, g = "choice", c.Choice
	case g == nil:
		return "", fmt.Errorf("neither sequence, choice nor simple content")
	}
	if len(g.Other) != 0 || len(g.Any) > 0 && len(g.Elements) > 0 {
		return "", fmt.Errorf("a construct that is not known")
	}
	if len(g.Any) > 0 {
		return "any " + name(c.Name), nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", kind, name(c.Name))
	for _, e := range g.Elements {
		fmt.Fprintf(&b, " %s:%s%s", e.Name, name(e.Type), e.occurs())
	}
	return b.String(), nil
}

func (e element) occurs() string {
	lo, hi := e.Min, e.Max
	if lo == "" {
		lo = "1"
	}
	if hi == "" {
		hi = "1"
	}
	switch lo + ".." + hi {
	case "1..1":
		return ""
	case "0..1":
		return "?"
	case "0..unbounded":
		return "*"
	case "1..unbounded":
		return "+"
	}
	return fmt.Sprintf("{%s,%s}", lo, hi)
}
