package codec

import (
	"fmt"
	"reflect"
	"strings"

	"qiantang.dev/rails/internal/iso20022/schema"
	"qiantang.dev/rails/internal/money"
)

// plan says for each element of a type where its content goes in a struct.
type plan struct {
	typ   *schema.Type
	parts []part
}

// part is one element's place.
type part struct {
	kind  partKind
	field int
	many  bool  // the field is a slice
	sub   *plan // of a nested struct, or of deeper fields of the same one
}

type partKind uint8

const (
	unread  partKind = iota // no field
	text                    // string
	amount                  // money.Amount
	nested                  // struct
	pointer                 // *struct
	deeper                  // fields of the same struct, further down
)

type field struct {
	index int
	typ   reflect.Type
	path  []string
}

var amountType = reflect.TypeFor[money.Amount]()

// compile fits a struct to a type; what does not fit is a mistake in our own code.
func compile(t *schema.Type, s reflect.Type) (*plan, error) {
	var fields []field
	for i := range s.NumField() {
		f := s.Field(i)
		tag, ok := f.Tag.Lookup("iso")
		if !ok || !f.IsExported() {
			return nil, fmt.Errorf("%s.%s: no iso tag, or not exported", s, f.Name)
		}
		if tag == "-" {
			continue
		}
		fields = append(fields, field{index: i, typ: f.Type, path: strings.Split(tag, ">")})
	}
	return compileFields(t, s, fields)
}

func compileFields(t *schema.Type, s reflect.Type, fields []field) (*plan, error) {
	p := &plan{typ: t, parts: make([]part, len(t.Elements))}
	if t.Kind != schema.Sequence && t.Kind != schema.Choice {
		return nil, fmt.Errorf("%s: type %s has no elements", s, t.Name)
	}
	taken := 0
	for i, e := range t.Elements {
		var below []field
		for _, f := range fields {
			if f.path[0] != e.Name {
				continue
			}
			taken++
			if len(f.path) > 1 {
				below = append(below, field{index: f.index, typ: f.typ, path: f.path[1:]})
				continue
			}
			if p.parts[i].kind != unread {
				return nil, fmt.Errorf("%s: two fields for %s", s, e.Name)
			}
			var err error
			if p.parts[i], err = place(e, f); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", s, s.Field(f.index).Name, err)
			}
		}
		if len(below) == 0 {
			continue
		}
		if p.parts[i].kind != unread || e.Max > 1 {
			return nil, fmt.Errorf("%s: %s is repeated, or read in two ways", s, e.Name)
		}
		sub, err := compileFields(e.Type, s, below)
		if err != nil {
			return nil, err
		}
		p.parts[i] = part{kind: deeper, sub: sub}
	}
	if taken != len(fields) {
		return nil, fmt.Errorf("%s: a field for an element that %s does not have", s, t.Name)
	}
	return p, nil
}

func place(e schema.Element, f field) (part, error) {
	pt := part{field: f.index}
	typ := f.typ
	if typ.Kind() == reflect.Slice {
		pt.many, typ = true, typ.Elem()
	}
	if pt.many != (e.Max > 1) {
		return pt, fmt.Errorf("%s: a slice where it is single, or the reverse", e.Name)
	}
	switch {
	case typ == amountType && e.Type.Kind == schema.Attributed:
		pt.kind = amount
		return pt, nil
	case typ.Kind() == reflect.String && e.Type.Kind == schema.Simple:
		pt.kind = text
		return pt, nil
	case typ.Kind() == reflect.Pointer && !pt.many && typ.Elem().Kind() == reflect.Struct:
		pt.kind, typ = pointer, typ.Elem()
	case typ.Kind() == reflect.Struct && typ != amountType:
		pt.kind = nested
	default:
		return pt, fmt.Errorf("%s (%s) does not fit %s", e.Name, e.Type.Name, f.typ)
	}
	var err error
	pt.sub, err = compile(e.Type, typ)
	return pt, err
}
