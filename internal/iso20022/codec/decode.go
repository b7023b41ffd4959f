package codec

import (
	"errors"
	"reflect"
	"strconv"
	"strings"

	"qiantang.dev/rails/internal/iso20022/schema"
	"qiantang.dev/rails/internal/money"
)

// maxUnread is how many paths of Info.Unread are listed.
const maxUnread = 32

// Info is what reading a document found beside its content.
type Info struct {
	// Unread are paths of elements that are valid but that the struct has no place for, each once, at most 32.
	Unread []string
}

type decoder struct {
	scanner
	path   []step
	info   Info
	seen   map[string]bool
	budget int // bytes of repeated structs that may still be made
	why    string
	value  string
	at     int
}

// step is one element on the way down; n counts it among its equals, 0 where it cannot be repeated.
type step struct {
	name string
	n    int
}

// fail notes what is wrong at the present element. All methods of the decoder return false after it.
func (d *decoder) fail(value, why string) bool {
	d.value, d.why, d.at = value, why, d.pos
	return false
}

func (d *decoder) err() *Error {
	return &Error{Path: d.where(true), Offset: d.at, Value: shorten(d.value), Why: d.why}
}

func (d *decoder) where(numbered bool) string {
	var b strings.Builder
	for _, s := range d.path {
		b.WriteByte('/')
		b.WriteString(shorten(s.name))
		if numbered && s.n > 0 {
			b.WriteString("[" + strconv.Itoa(s.n) + "]")
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// document reads the root element and what may follow it.
func (d *decoder) document(root schema.Element, p *plan, v reflect.Value) bool {
	if why := d.prepare(); why != "" {
		return d.fail("", why)
	}
	if why := d.blank(); why != "" {
		return d.fail("", why)
	}
	if d.pos+1 >= len(d.s) || d.s[d.pos] != '<' {
		return d.fail("", "not XML: want <"+root.Name+">")
	}
	if why := d.start(); why != "" {
		d.path = append(d.path, step{name: d.tag.local})
		return d.fail("", why)
	}
	d.path = append(d.path, step{name: d.tag.local})
	if d.tag.local != root.Name {
		return d.fail("", "want "+root.Name)
	}
	if !d.element(root.Type, p, v) {
		return false
	}
	d.path = d.path[:0]
	if why := d.blank(); why != "" {
		return d.fail("", why)
	}
	if d.pos != len(d.s) {
		return d.fail(d.s[d.pos:], "after the end of the document")
	}
	return true
}

// element reads the content and the end of an element with child elements, whose start tag is d.tag. A nil plan only checks.
func (d *decoder) element(t *schema.Type, p *plan, v reflect.Value) bool {
	name, empty, own, undo := d.tag.name, d.tag.empty, d.tag.own, d.tag.undo
	if len(d.tag.attrs) > 0 && !d.onlyLocations() {
		return false
	}
	at, count := 0, 0
	for !empty {
		if why := d.blank(); why != "" {
			return d.fail("", why)
		}
		if d.pos+1 >= len(d.s) {
			return d.fail("", "is not closed")
		}
		if d.s[d.pos] != '<' {
			return d.fail(d.s[d.pos:], "text where elements are wanted")
		}
		if d.s[d.pos+1] == '/' {
			if why := d.end(name); why != "" {
				return d.fail("", why)
			}
			break
		}
		if why := d.start(); why != "" {
			d.path = append(d.path, step{name: d.tag.local})
			return d.fail("", why)
		}
		if !d.child(t, p, v, &at, &count) {
			return false
		}
	}
	if own {
		d.undeclare(undo)
	}
	return d.complete(t, at, count)
}

// child finds the place of the child element in d.tag and reads it. at is the element of t reached, count how often it was there.
func (d *decoder) child(t *schema.Type, p *plan, v reflect.Value, at, count *int) bool {
	local := d.tag.local
	els := t.Elements
	i := *at
	if t.Kind == schema.Choice {
		if *count == 0 {
			for i = 0; i < len(els) && els[i].Name != local; i++ {
			}
		} else if els[i].Name != local {
			d.path = append(d.path, step{name: local})
			return d.fail("", "only one of several may be here, and "+els[i].Name+" is")
		}
	} else {
		for i < len(els) && els[i].Name != local {
			i++
		}
	}
	if i >= len(els) {
		return d.misplaced(t, *at)
	}
	if t.Kind == schema.Sequence && i != *at {
		for k := *at; k < i; k++ {
			if n := els[k].Min; n > 1 || n == 1 && (k != *at || *count == 0) {
				d.path = append(d.path, step{name: local})
				return d.fail("", "stands where "+els[k].Name+" is required")
			}
		}
		*count = 0
	}
	if i != *at {
		*at, *count = i, 0
	}
	*count++
	e := &els[i]
	st := step{name: e.Name}
	if e.Max > 1 {
		st.n = *count
	}
	d.path = append(d.path, st)
	if *count > e.Max {
		if e.Max == 1 {
			return d.fail("", "repeated")
		}
		return d.fail("", "more than "+strconv.Itoa(e.Max)+" times")
	}
	pt := part{}
	if p != nil {
		pt = p.parts[i]
	}
	if !d.content(e.Type, pt, p != nil, v) {
		return false
	}
	d.path = d.path[:len(d.path)-1]
	return true
}

func (d *decoder) misplaced(t *schema.Type, at int) bool {
	local := d.tag.local
	d.path = append(d.path, step{name: local})
	for i := range min(at, len(t.Elements)) {
		if t.Elements[i].Name == local {
			return d.fail("", "misplaced: it comes before "+t.Elements[at].Name)
		}
	}
	return d.fail("", "unknown element")
}

func (d *decoder) complete(t *schema.Type, at, count int) bool {
	if t.Kind == schema.Choice {
		if count > 0 {
			return true
		}
		names := make([]string, len(t.Elements))
		for i, e := range t.Elements {
			names[i] = e.Name
		}
		return d.fail("", "needs one of "+strings.Join(names, ", "))
	}
	for k := at; k < len(t.Elements); k++ {
		have := 0
		if k == at {
			have = count
		}
		if have < t.Elements[k].Min {
			return d.fail("", t.Elements[k].Name+" is missing")
		}
	}
	return true
}

// content reads one element into its place.
func (d *decoder) content(t *schema.Type, pt part, told bool, v reflect.Value) bool {
	if pt.kind == unread {
		if told {
			d.note()
		}
		return d.skip(t)
	}
	switch {
	case pt.kind == deeper:
		return d.element(t, pt.sub, v)
	case pt.many:
		f := v.Field(pt.field)
		n := f.Len()
		if d.budget -= int(f.Type().Elem().Size()); d.budget < 0 {
			return d.fail("", "too many elements")
		}
		f.Grow(1)
		f.SetLen(n + 1)
		v = f.Index(n)
	default:
		v = v.Field(pt.field)
	}
	switch pt.kind {
	case text:
		s, ok := d.leaf(t)
		if ok {
			v.SetString(s)
		}
		return ok
	case amount:
		a, ok := d.amount(t)
		if ok {
			*v.Addr().Interface().(*money.Amount) = a
		}
		return ok
	case pointer:
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	return d.element(t, pt.sub, v)
}

func (d *decoder) note() {
	if len(d.info.Unread) >= maxUnread {
		return
	}
	w := d.where(false)
	if d.seen == nil {
		d.seen = map[string]bool{}
	}
	if !d.seen[w] {
		d.seen[w] = true
		d.info.Unread = append(d.info.Unread, w)
	}
}

// skip checks an element that has no place.
func (d *decoder) skip(t *schema.Type) bool {
	switch t.Kind {
	case schema.Simple:
		_, ok := d.leaf(t)
		return ok
	case schema.Attributed:
		_, ok := d.amount(t)
		return ok
	case schema.Any:
		return d.extension()
	default:
		return d.element(t, nil, reflect.Value{})
	}
}

// leaf reads text and the end of its element, whose start tag is d.tag.
func (d *decoder) leaf(t *schema.Type) (string, bool) {
	if len(d.tag.attrs) > 0 && !d.onlyLocations() {
		return "", false
	}
	return d.checkedText(t)
}

func (d *decoder) checkedText(t *schema.Type) (string, bool) {
	s := ""
	if !d.tag.empty {
		name := d.tag.name
		var why string
		if s, why = d.text(); why == "" && (d.pos+1 >= len(d.s) || d.s[d.pos+1] != '/') {
			why = "an element where text is wanted"
		}
		if why == "" {
			why = d.end(name)
		}
		if why != "" {
			return "", d.fail("", why)
		}
	}
	if d.tag.own {
		d.undeclare(d.tag.undo)
	}
	if t.Text.Base != "string" {
		s = strings.Trim(s, " \t\r\n")
	}
	if why := t.Text.Check(s); why != "" {
		return "", d.fail(s, why)
	}
	return s, true
}

// amount reads an amount with its currency.
func (d *decoder) amount(t *schema.Type) (money.Amount, bool) {
	ccy, found := "", false
	kept := d.tag.attrs[:0]
	for _, a := range d.tag.attrs {
		if a.name == t.Attribute {
			ccy, found = a.value, true
		} else {
			kept = append(kept, a)
		}
	}
	d.tag.attrs = kept
	if len(kept) > 0 && !d.onlyLocations() {
		return money.Amount{}, false
	}
	if !found {
		return money.Amount{}, d.fail("", "attribute "+t.Attribute+" is missing")
	}
	s, ok := d.checkedText(t)
	if !ok {
		return money.Amount{}, false
	}
	c, err := money.ParseCurrency(ccy)
	if err != nil {
		return money.Amount{}, d.fail(ccy, "attribute "+t.Attribute+": not an ISO 4217 currency in use")
	}
	a, err := money.ParseAmount(s, c)
	if err != nil {
		return money.Amount{}, d.fail(s, "not an amount in "+string(c)+": "+why(err))
	}
	return a, true
}

func why(err error) string {
	var p *money.ParseError
	if errors.As(err, &p) {
		return p.Why
	}
	return err.Error()
}

// onlyLocations lets xsi:schemaLocation pass, which says nothing about the content, and refuses all other attributes.
func (d *decoder) onlyLocations() bool {
	for _, a := range d.tag.attrs {
		prefix, local, ok := strings.Cut(a.name, ":")
		if ok {
			if uri, bound := d.lookup(prefix); !bound {
				return d.fail(a.name, "attribute with a prefix that is not declared")
			} else if uri == xsiNamespace && (local == "schemaLocation" || local == "noNamespaceSchemaLocation") {
				continue
			}
		}
		return d.fail(a.name, "unknown attribute")
	}
	return true
}
