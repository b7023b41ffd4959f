package codec

// Root reads a document's root element and no more: its name and its namespace.
func Root(doc string) (name, namespace string, err error) {
	d := decoder{scanner: scanner{s: doc}}
	if why := d.prepare(); why != "" {
		d.fail("", why)
		return "", "", d.err()
	}
	if !d.root() {
		return "", "", d.err()
	}
	return d.tag.local, d.uri(), nil
}

// uri is the namespace of the tag.
func (d *decoder) uri() string {
	prefix := d.tag.name[:max(0, len(d.tag.name)-len(d.tag.local)-1)]
	uri, _ := d.lookup(prefix)
	return uri
}

func (d *decoder) root() bool {
	if why := d.blank(); why != "" {
		return d.fail("", why)
	}
	if d.pos+1 >= len(d.s) || d.s[d.pos] != '<' {
		return d.fail("", "not XML: want an element")
	}
	if why := d.start(); why != "" {
		d.path = append(d.path, step{name: d.tag.local})
		return d.fail("", why)
	}
	d.path = append(d.path, step{name: d.tag.local})
	return true
}

// Split takes a business message apart: an AppHdr and a Document within some envelope. Both must declare their own
// namespaces. A document without envelope is returned as it is, with no header. Neither part is checked yet.
func Split(doc string) (header, document string, err error) {
	d := decoder{scanner: scanner{s: doc}}
	if why := d.prepare(); why != "" {
		d.fail("", why)
		return "", "", d.err()
	}
	if !d.root() {
		return "", "", d.err()
	}
	if d.tag.local == "Document" || d.tag.local == "AppHdr" {
		return "", doc, nil
	}
	if !d.envelope(&header, &document) {
		return "", "", d.err()
	}
	return header, document, nil
}

func (d *decoder) envelope(header, document *string) bool {
	name, outer := d.tag.name, len(d.bound)
	if d.tag.empty {
		return d.fail("", "an empty envelope")
	}
	for i := 0; ; i++ {
		if why := d.blank(); why != "" {
			return d.fail("", why)
		}
		if d.pos+1 >= len(d.s) || d.s[d.pos] != '<' {
			return d.fail("", "text within the envelope, or not closed")
		}
		if d.s[d.pos+1] == '/' {
			if why := d.end(name); why != "" {
				return d.fail("", why)
			}
			break
		}
		from := d.pos
		if why := d.start(); why != "" {
			return d.fail("", why)
		}
		to := document
		want := "Document"
		if i == 0 && d.tag.local == "AppHdr" {
			to, want = header, "AppHdr"
		}
		d.path = append(d.path, step{name: d.tag.local})
		if d.tag.local != want || *to != "" {
			return d.fail("", "unknown element: want AppHdr and Document")
		}
		if len(d.bound) == outer {
			return d.fail("", "does not declare its namespace itself")
		}
		if !d.pass() {
			return false
		}
		*to = d.s[from:d.pos]
		d.path = d.path[:len(d.path)-1]
	}
	if why := d.blank(); why != "" {
		return d.fail("", why)
	}
	if d.pos != len(d.s) {
		return d.fail("", "content after the end of the document")
	}
	if *document == "" {
		return d.fail("", "Document is missing")
	}
	return true
}

// pass goes to the end of the element in tag, checking only that tags are balanced.
func (d *decoder) pass() bool {
	type open struct {
		name string
		undo int
	}
	stack := []open{{d.tag.name, d.tag.undo}}
	if d.tag.empty {
		d.undeclare(d.tag.undo)
		return true
	}
	for len(stack) > 0 {
		if _, why := d.text(); why != "" {
			return d.fail("", why)
		}
		if d.pos+1 < len(d.s) && d.s[d.pos+1] == '/' {
			top := stack[len(stack)-1]
			if why := d.end(top.name); why != "" {
				return d.fail(top.name, why)
			}
			stack = stack[:len(stack)-1]
			d.undeclare(top.undo)
			continue
		}
		if why := d.start(); why != "" {
			return d.fail("", why)
		}
		if d.tag.empty {
			d.undeclare(d.tag.undo)
			continue
		}
		if len(stack) == maxExtensionDepth {
			return d.fail("", "nested too deeply")
		}
		stack = append(stack, open{d.tag.name, d.tag.undo})
	}
	return true
}
