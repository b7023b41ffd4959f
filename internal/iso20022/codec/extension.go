package codec

// extension passes the content of an element that may hold one element of any kind, checking only that it is well-formed.
func (d *decoder) extension() bool {
	if len(d.tag.attrs) > 0 && !d.onlyLocations() {
		return false
	}
	type open struct {
		name string
		undo int
	}
	if d.tag.empty {
		return d.fail("", "needs an element within")
	}
	wanted := d.namespace
	stack := []open{{d.tag.name, d.tag.undo}}
	children := 0
	for len(stack) > 0 {
		// Elements within are in whichever namespace they like; only the outermost end tag is back in ours.
		d.namespace = ""
		if len(stack) == 1 {
			if why := d.blank(); why != "" {
				return d.fail("", why)
			}
		} else if _, why := d.text(); why != "" {
			return d.fail("", why)
		}
		if d.pos+1 >= len(d.s) || d.s[d.pos] != '<' {
			return d.fail("", "text where an element is wanted, or not closed")
		}
		if d.s[d.pos+1] == '/' {
			top := stack[len(stack)-1]
			if why := d.end(top.name); why != "" {
				return d.fail(top.name, why)
			}
			stack = stack[:len(stack)-1]
			d.undeclare(top.undo)
			continue
		}
		if why := d.start(); why != "" {
			return d.fail(d.tag.local, why)
		}
		if len(stack) == 1 {
			if children++; children > 1 {
				return d.fail(d.tag.local, "more than one element within")
			}
		}
		if !d.declared() {
			return false
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
	d.namespace = wanted
	d.undeclare(len(d.bound))
	if children == 0 {
		return d.fail("", "needs an element within")
	}
	return true
}

// declared checks that the prefixes of the tag and its attributes are declared.
func (d *decoder) declared() bool {
	names := []string{d.tag.name}
	for _, a := range d.tag.attrs {
		names = append(names, a.name)
	}
	for _, n := range names {
		for i := range len(n) {
			if n[i] != ':' {
				continue
			}
			if _, ok := d.lookup(n[:i]); !ok {
				return d.fail(n, "a prefix that is not declared")
			}
			break
		}
	}
	return true
}
