package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Finding is one thing that is wrong in a folder.
type Finding struct {
	// File relative to the folder; Resource as Kind/name; Field from the resource's root; Value what stands there. Any but File
	// may be empty.
	File, Resource, Field, Value, Message string
}

// String is "file: resource: field: value: message", without the parts that are empty.
func (f Finding) String() string {
	parts := make([]string, 0, 5)
	for _, p := range []string{f.File, f.Resource, f.Field} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if f.Value != "" {
		parts = append(parts, strconv.Quote(f.Value))
	}
	return strings.Join(append(parts, f.Message), ": ")
}

func sortFindings(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Resource, b.Resource))
	})
}

// maxValue is how much of a value is shown.
const maxValue = 120

// fromFieldError makes a Finding of what an API server would have said. Where its value is only a type's name, the value is looked up.
func fromFieldError(file, resource string, e *field.Error, obj map[string]any) Finding {
	path := strings.TrimPrefix(e.Field, "<nil>")
	path = strings.TrimPrefix(path, ".")
	if path == "" {
		// Of an object's root a rule sees apiVersion, kind and the name alone, and ours are about the name.
		path = "metadata.name"
	}
	f := Finding{File: file, Resource: resource, Field: path, Message: e.Detail}
	if f.Message == "" {
		f.Message = strings.ToLower(e.Type.String())
	}
	switch e.Type {
	case field.ErrorTypeRequired:
		return f
	case field.ErrorTypeDuplicate, field.ErrorTypeNotSupported:
		f.Message = strings.TrimSpace(strings.ToLower(e.Type.String()) + ": " + e.Detail)
	}
	value, ok := lookup(obj, path)
	if !ok {
		value = e.BadValue
	}
	f.Value = shown(value)
	return f
}

func shown(v any) string {
	var s string
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		s = v
	case map[string]any, []any:
		// The message says what in it is wrong; the whole would hide that.
		return ""
	default:
		s = fmt.Sprint(v)
	}
	if len(s) > maxValue {
		s = s[:maxValue] + "…"
	}
	return s
}

// lookup follows a field path such as spec.rails[1].name.
func lookup(obj any, path string) (any, bool) {
	if path == "" {
		return nil, false
	}
	for part := range strings.SplitSeq(path, ".") {
		name, rest, indexed := strings.Cut(part, "[")
		m, ok := obj.(map[string]any)
		if !ok {
			return nil, false
		}
		if obj, ok = m[name]; !ok {
			return nil, false
		}
		for indexed {
			var index string
			index, rest, indexed = strings.Cut(rest, "]")
			if !indexed {
				return nil, false
			}
			switch v := obj.(type) {
			case []any:
				i, err := strconv.Atoi(index)
				if err != nil || i < 0 || i >= len(v) {
					return nil, false
				}
				obj = v[i]
			case map[string]any:
				if obj, ok = v[index]; !ok {
					return nil, false
				}
			default:
				return nil, false
			}
			_, rest, indexed = strings.Cut(rest, "[")
		}
	}
	return obj, true
}
