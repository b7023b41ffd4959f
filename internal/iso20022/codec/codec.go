package codec

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"qiantang.dev/rails/internal/iso20022/schema"
)

// MaxDocument is the most bytes that ReadAll takes by default: some ten thousand payments.
const MaxDocument = 32 << 20

// amplification bounds the memory of repeated structs by the document's length: real messages need about three times theirs.
const amplification = 8

// Codec reads and writes one message as a T. It is safe for concurrent use.
type Codec[T any] struct {
	root      schema.Element
	namespace string
	open      string
	plan      *plan
}

// New makes the Codec of a message for a struct. It panics where they do not fit: both are our own.
func New[T any](message string) *Codec[T] {
	m, ok := schema.Lookup(message)
	if !ok {
		panic("codec: no message " + message)
	}
	t := m.Root.Type
	c := &Codec[T]{root: m.Root, namespace: m.Namespace, open: Open(message, m.Root.Name)}
	typ := reflect.TypeFor[T]()
	var err error
	if len(t.Elements) == 1 {
		// Document holds nothing but the message itself, which T is.
		var sub *plan
		sub, err = compile(t.Elements[0].Type, typ)
		c.plan = &plan{typ: t, parts: []part{{kind: deeper, sub: sub}}}
	} else {
		c.plan, err = compile(t, typ)
	}
	if err != nil {
		panic("codec: " + message + ": " + err.Error())
	}
	return c
}

// Fragment makes the Codec of one element of a type within a message, for writing a document piece by piece.
func Fragment[T any](message, element, typ string) *Codec[T] {
	m, ok := schema.Lookup(message)
	t, known := schema.TypeOf(typ)
	if !ok || !known {
		panic("codec: no message " + message + " or no type " + typ)
	}
	p, err := compile(t, reflect.TypeFor[T]())
	if err != nil {
		panic("codec: " + typ + ": " + err.Error())
	}
	return &Codec[T]{root: schema.Element{Name: element, Type: t, Min: 1, Max: 1}, namespace: m.Namespace, plan: p}
}

// Decode reads a whole document. The strings of the result share the document's memory. Errors are *Error.
func (c *Codec[T]) Decode(doc string) (*T, Info, error) {
	d := decoder{scanner: scanner{s: doc, namespace: c.namespace}, budget: 1<<20 + amplification*len(doc)}
	d.path = make([]step, 0, 16)
	v := new(T)
	if !d.document(c.root, c.plan, reflect.ValueOf(v).Elem()) {
		return nil, Info{}, d.err()
	}
	return v, d.info, nil
}

// Append writes v as a whole document with its XML declaration, indented by two blanks a level where indent is set.
func (c *Codec[T]) Append(dst []byte, v *T, indent bool) ([]byte, error) {
	w := encoder{b: append(dst, c.open...), indent: indent}
	return c.finish(dst, &w, v)
}

// AppendFragment writes v as one element, without declaration or namespace.
func (c *Codec[T]) AppendFragment(dst []byte, v *T) ([]byte, error) {
	w := encoder{b: append(append(append(dst, '<'), c.root.Name...), '>')}
	return c.finish(dst, &w, v)
}

// AppendInner writes the child elements of v alone.
func (c *Codec[T]) AppendInner(dst []byte, v *T) ([]byte, error) {
	w := encoder{b: dst, path: []step{{name: c.root.Name}}}
	if !w.element(c.plan, reflect.ValueOf(v).Elem()) {
		return dst, w.err()
	}
	return w.b, nil
}

// Open is the beginning of a document: its declaration and the start tag of its root element.
func Open(message, root string) string {
	return fmt.Sprintf("%s<%s xmlns=%q>", xmlDeclaration, root, schema.NamespacePrefix+message)
}

const xmlDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

func (c *Codec[T]) finish(dst []byte, w *encoder, v *T) ([]byte, error) {
	w.path = append(w.path, step{name: c.root.Name})
	if !w.element(c.plan, reflect.ValueOf(v).Elem()) {
		return dst, w.err()
	}
	w.line()
	w.b = append(append(append(w.b, '<', '/'), c.root.Name...), '>')
	if w.indent {
		w.b = append(w.b, '\n')
	}
	return w.b, nil
}

// ReadAll reads a document of at most limit bytes (0: MaxDocument) as a string. What cannot become a document is refused after its
// first bytes, not at its end.
func ReadAll(r io.Reader, limit int) (string, error) {
	if limit <= 0 {
		limit = MaxDocument
	}
	var b strings.Builder
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if b.Len()+n > limit {
				return "", &Error{Path: "/", Offset: limit, Why: fmt.Sprintf("the document is longer than %d bytes", limit)}
			}
			first := b.Len() == 0
			b.Write(buf[:n])
			if first {
				if why := hopeless(b.String()); why != "" {
					return "", &Error{Path: "/", Why: why}
				}
			}
		}
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("read document: %w", err)
		}
	}
}

// hopeless says why the beginning of a document shows that it will be refused.
func hopeless(s string) string {
	t := strings.TrimLeft(strings.TrimPrefix(s, "\uFEFF"), " \t\r\n")
	if t != "" && t[0] != '<' {
		return "not XML in UTF-8"
	}
	if i := strings.Index(t, "<!DOCTYPE"); i >= 0 && !strings.Contains(t[:i], "<!--") && !strings.Contains(t[:i], "<![CDATA[") {
		return "a document type definition is refused"
	}
	return ""
}
