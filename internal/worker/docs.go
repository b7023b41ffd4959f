package worker

import (
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"qiantang.dev/rails/internal/access"
)

// docsPage renders the API's description as one page that loads nothing from elsewhere.
func docsPage(api huma.API) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_ = docsTemplate.Execute(w, describe(api.OpenAPI()))
	}
}

type docsOperation struct {
	Method, Path, Summary, Description string
	Scope                              string
	Parameters                         []docsField
	Bodies                             []docsBody
	Answers                            []string
}

type docsBody struct {
	Type   string
	Fields []docsField
}

type docsField struct{ Name, Where, Type, Doc string }

type docsView struct {
	Title, Version, Description string
	Operations                  []docsOperation
}

func describe(o *huma.OpenAPI) docsView {
	v := docsView{Title: o.Info.Title, Version: o.Info.Version, Description: o.Info.Description}
	paths := make([]string, 0, len(o.Paths))
	for p := range o.Paths {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		item := o.Paths[p]
		for _, m := range []struct {
			name string
			op   *huma.Operation
		}{{"GET", item.Get}, {"POST", item.Post}, {"PUT", item.Put}, {"DELETE", item.Delete}} {
			if m.op != nil && !m.op.Hidden {
				v.Operations = append(v.Operations, describeOperation(o, m.name, p, m.op))
			}
		}
	}
	return v
}

func describeOperation(o *huma.OpenAPI, method, path string, op *huma.Operation) docsOperation {
	d := docsOperation{Method: method, Path: path, Summary: op.Summary, Description: op.Description}
	d.Scope = access.ScopeOf(op.OperationID)
	for _, p := range op.Parameters {
		d.Parameters = append(d.Parameters, docsField{Name: p.Name, Where: p.In, Type: typeOf(p.Schema), Doc: p.Description})
	}
	if op.RequestBody != nil {
		for _, ct := range sortedKeys(op.RequestBody.Content) {
			d.Bodies = append(d.Bodies, docsBody{Type: ct, Fields: fields(o, op.RequestBody.Content[ct].Schema)})
		}
	}
	for _, status := range sortedKeys(op.Responses) {
		d.Answers = append(d.Answers, strings.TrimSpace(status+" "+op.Responses[status].Description))
	}
	return d
}

func fields(o *huma.OpenAPI, s *huma.Schema) []docsField {
	if s == nil {
		return nil
	}
	if s.Ref != "" {
		s = o.Components.Schemas.SchemaFromRef(s.Ref)
	}
	var out []docsField
	for _, name := range sortedKeys(s.Properties) {
		where := "optional"
		if slices.Contains(s.Required, name) {
			where = "required"
		}
		out = append(out, docsField{Name: name, Where: where, Type: typeOf(s.Properties[name]), Doc: s.Properties[name].Description})
	}
	return out
}

func typeOf(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case s.Type == huma.TypeArray:
		return "list of " + typeOf(s.Items)
	case s.Format != "":
		return s.Type + " (" + s.Format + ")"
	}
	return s.Type
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

var docsTemplate = template.Must(template.New("docs").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>{{.Title}} API</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}code,h3{font-family:ui-monospace,monospace}
h3{margin:2rem 0 .3rem;border-top:1px solid #ddd;padding-top:1rem}table{border-collapse:collapse;width:100%}td{padding:.2rem .8rem .2rem 0;vertical-align:top;border-bottom:1px solid #eee}
.m{display:inline-block;min-width:4rem;color:#06c}small{color:#666}</style>
<h1>{{.Title}} <small>{{.Version}}</small></h1><p>{{.Description}} Machine-readable: <a href="openapi.json">openapi.json</a>.</p>
{{range .Operations}}<h3><span class="m">{{.Method}}</span>{{.Path}}</h3><p><b>{{.Summary}}</b>{{with .Description}}<br>{{.}}{{end}}{{with .Scope}}<br><small>scope {{.}}</small>{{end}}</p>
{{if .Parameters}}<table>{{range .Parameters}}<tr><td><code>{{.Name}}</code><td>{{.Where}}<td>{{.Type}}<td>{{.Doc}}{{end}}</table>{{end}}
{{range .Bodies}}<p><small>body, {{.Type}}</small></p><table>{{range .Fields}}<tr><td><code>{{.Name}}</code><td>{{.Where}}<td>{{.Type}}<td>{{.Doc}}{{end}}</table>{{end}}
<p><small>answers: {{range $i, $a := .Answers}}{{if $i}} · {{end}}{{$a}}{{end}}</small></p>{{end}}</html>`))
