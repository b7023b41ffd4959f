package isotest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"qiantang.dev/rails/internal/iso20022/schema"
)

// Generate makes a document of the message that the official schema allows, the same for the same seed. Optional elements come and
// go; names and texts are made up.
func Generate(message string, seed uint64) string {
	m, ok := schema.Lookup(message)
	if !ok {
		panic("isotest: no message " + message)
	}
	g := generator{rng: rand.New(rand.NewPCG(seed, 20022))}
	g.density = g.rng.IntN(60) + 5
	g.b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	g.element(m.Root, fmt.Sprintf(" xmlns=%q", m.Namespace), 0)
	return g.b.String()
}

type generator struct {
	rng     *rand.Rand
	b       strings.Builder
	density int // per cent of optional elements that are there
}

func (g *generator) element(e schema.Element, attrs string, depth int) {
	t := e.Type
	if t.Kind == schema.Attributed {
		ccy := []string{"USD", "CNY", "EUR", "JPY", "BHD"}[g.rng.IntN(5)]
		fmt.Fprintf(&g.b, "<%s %s=%q>%s</%s>", e.Name, t.Attribute, ccy, g.money(ccy), e.Name)
		return
	}
	g.b.WriteString("<" + e.Name + attrs + ">")
	switch t.Kind {
	case schema.Simple:
		g.b.WriteString(g.text(t.Text))
	case schema.Any:
		g.b.WriteString(`<x:Own xmlns:x="urn:example:own"><x:A b="c">text</x:A><x:Empty/></x:Own>`)
	case schema.Choice:
		pick := t.Elements[g.rng.IntN(len(t.Elements))]
		pick.Min = max(pick.Min, 1)
		g.repeat(pick, depth)
	default:
		for _, c := range t.Elements {
			g.repeat(c, depth)
		}
	}
	g.b.WriteString("</" + e.Name + ">")
}

func (g *generator) repeat(e schema.Element, depth int) {
	n := e.Min
	// Deep down, optional elements grow rare, or documents would have no end.
	if n == 0 && g.rng.IntN(100) < g.density/(1+depth/3) && e.Name != "Sgntr" {
		n = 1
	}
	for n > 0 && n < e.Max && g.rng.IntN(100) < 20 {
		n++
	}
	for range n {
		if g.rng.IntN(4) == 0 {
			g.b.WriteByte('\n')
		}
		g.element(e, "", depth+1)
	}
}

func (g *generator) money(ccy string) string {
	switch ccy {
	case "JPY":
		return fmt.Sprint(g.rng.IntN(1e9))
	case "BHD":
		return fmt.Sprintf("%d.%03d", g.rng.IntN(1e6), g.rng.IntN(1000))
	}
	return fmt.Sprintf("%d.%02d", g.rng.IntN(1e9), g.rng.IntN(100))
}

func (g *generator) text(t *schema.Text) string {
	if len(t.Codes) > 0 {
		return t.Codes[g.rng.IntN(len(t.Codes))]
	}
	if s := t.Example(g.rng.IntN); s != "" {
		return s
	}
	switch t.Base {
	case "decimal":
		if t.Fraction == 0 {
			return fmt.Sprint(g.rng.IntN(1000))
		}
		return fmt.Sprintf("%d.%d", g.rng.IntN(1000), g.rng.IntN(10))
	case "boolean":
		return []string{"true", "false"}[g.rng.IntN(2)]
	case "date":
		return fmt.Sprintf("2026-%02d-%02d", 1+g.rng.IntN(12), 1+g.rng.IntN(28))
	case "dateTime":
		return fmt.Sprintf("2026-11-%02dT%02d:30:00%s", 1+g.rng.IntN(28), g.rng.IntN(24), []string{"Z", "+08:00", ".123Z", "-05:00"}[g.rng.IntN(4)])
	case "time":
		return fmt.Sprintf("%02d:00:00Z", g.rng.IntN(24))
	case "gYearMonth":
		return fmt.Sprintf("2026-%02d", 1+g.rng.IntN(12))
	}
	longest := t.MaxLen
	if longest == 0 || longest > 24 {
		longest = 24
	}
	n := max(t.MinLen, 1) + g.rng.IntN(max(longest-max(t.MinLen, 1)+1, 1))
	var b strings.Builder
	letters := []string{"a", "b", "Z", "7", " ", "-", "&amp;", "&lt;", "&#x4E2D;", "钱", "é", "/", "&apos;", "<![CDATA[<]]>", "<!-- c -->x"}
	for i := range n {
		if i == 0 || i == n-1 {
			b.WriteString("Q")
			continue
		}
		b.WriteString(letters[g.rng.IntN(len(letters))])
	}
	return b.String()
}
