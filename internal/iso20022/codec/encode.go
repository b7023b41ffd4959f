package codec

import (
	"reflect"
	"strconv"

	"qiantang.dev/rails/internal/iso20022/schema"
	"qiantang.dev/rails/internal/money"
)

type encoder struct {
	b      []byte
	path   []step
	indent bool
	why    string
	value  string
}

func (w *encoder) fail(value, why string) bool {
	w.value, w.why = value, why
	return false
}

func (w *encoder) err() *Error {
	d := decoder{path: w.path}
	return &Error{Path: d.where(true), Offset: -1, Value: shorten(w.value), Why: w.why}
}

func (w *encoder) line() {
	if !w.indent {
		return
	}
	w.b = append(w.b, '\n')
	for range len(w.path) - 1 {
		w.b = append(w.b, ' ', ' ')
	}
}

// element writes the child elements of a type, whose start tag is written. An element that is required and that nothing is known of
// is written empty where the schema allows it so.
func (w *encoder) element(p *plan, v reflect.Value) bool {
	written := 0
	for i := range p.parts {
		e, pt := &p.typ.Elements[i], &p.parts[i]
		n, ok := w.part(e, pt, v)
		if !ok {
			return false
		}
		switch {
		case n > 0 && written > 0 && p.typ.Kind == schema.Choice:
			return w.fail(e.Name, "only one of several may be given")
		case n < e.Min && p.typ.Kind == schema.Sequence:
			if !mayBeEmpty(e.Type) {
				return w.fail("", e.Name+" is missing")
			}
			w.empty(e)
		}
		written += n
	}
	if written == 0 && p.typ.Kind == schema.Choice {
		return w.fail("", "needs one of several elements")
	}
	return true
}

// mayBeEmpty reports whether a type allows elements without any text in them.
func mayBeEmpty(t *schema.Type) bool {
	if t.Kind != schema.Sequence {
		return false
	}
	for _, e := range t.Elements {
		if e.Min > 0 && !mayBeEmpty(e.Type) {
			return false
		}
	}
	return true
}

func (w *encoder) empty(e *schema.Element) {
	w.path = append(w.path, step{name: e.Name})
	w.line()
	w.b = append(append(append(w.b, '<'), e.Name...), '>')
	for i := range e.Type.Elements {
		if c := &e.Type.Elements[i]; c.Min > 0 {
			w.empty(c)
		}
	}
	w.b = append(append(append(w.b, '<', '/'), e.Name...), '>')
	w.path = w.path[:len(w.path)-1]
}

// present reports whether a part holds anything.
func present(pt *part, v reflect.Value) bool {
	if pt.kind == unread {
		return false
	}
	if pt.kind != deeper {
		return !v.Field(pt.field).IsZero()
	}
	for i := range pt.sub.parts {
		if present(&pt.sub.parts[i], v) {
			return true
		}
	}
	return false
}

// part writes one element as often as its field holds it.
func (w *encoder) part(e *schema.Element, pt *part, v reflect.Value) (n int, ok bool) {
	if pt.kind == unread || !present(pt, v) {
		return 0, true
	}
	w.path = append(w.path, step{name: e.Name})
	ok = true
	switch {
	case pt.kind == deeper:
		n, ok = 1, w.one(e, pt, v)
	case pt.many:
		f := v.Field(pt.field)
		for n < f.Len() && ok {
			w.path[len(w.path)-1].n = n + 1
			if n++; n > e.Max {
				return n, w.fail("", "more than "+strconv.Itoa(e.Max)+" times")
			}
			ok = w.one(e, pt, f.Index(n-1))
		}
	default:
		n, ok = 1, w.one(e, pt, v.Field(pt.field))
	}
	if ok {
		w.path = w.path[:len(w.path)-1]
	}
	return n, ok
}

func (w *encoder) one(e *schema.Element, pt *part, v reflect.Value) bool {
	w.line()
	w.b = append(append(w.b, '<'), e.Name...)
	switch pt.kind {
	case text:
		w.b = append(w.b, '>')
		if !w.text(e.Type.Text, v.String()) {
			return false
		}
	case amount:
		if !w.amount(e.Type, v.Interface().(money.Amount)) {
			return false
		}
	default:
		w.b = append(w.b, '>')
		if pt.kind == pointer {
			v = v.Elem()
		}
		if !w.element(pt.sub, v) {
			return false
		}
		w.line()
	}
	w.b = append(append(append(w.b, '<', '/'), e.Name...), '>')
	return true
}

func (w *encoder) text(t *schema.Text, s string) bool {
	if why := t.Check(s); why != "" {
		return w.fail(s, why)
	}
	var why string
	if w.b, why = appendText(w.b, s); why != "" {
		return w.fail(s, why)
	}
	return true
}

func (w *encoder) amount(t *schema.Type, a money.Amount) bool {
	if a.Currency().Digits() < 0 {
		return w.fail(string(a.Currency()), "not an ISO 4217 currency in use")
	}
	w.b = append(append(append(append(w.b, ' '), t.Attribute...), '=', '"'), a.Currency()...)
	w.b = append(w.b, '"', '>')
	return w.text(t.Text, a.Decimal())
}
