package calendar

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestDocsListTheCalendars(t *testing.T) {
	var b strings.Builder
	b.WriteString("| name | whose days | source | projected from |\n|---|---|---|---|\n")
	for _, name := range BuiltinNames() {
		c, _ := Builtin(name)
		if c.Name != name {
			continue
		}
		from := ""
		if !c.ProjectedFrom.IsZero() {
			y, _, _ := c.ProjectedFrom.YMD()
			from = fmt.Sprint(y)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, c.Title, c.Source, from)
	}
	const path, begin, end = "../../docs/calendars.md", "<!-- begin calendars -->\n", "<!-- end calendars -->"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(doc), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	switch {
	case !ok || !ok2:
		t.Fatalf("%s has no place for the calendars", path)
	case old == b.String():
	case os.Getenv("QIANTANG_UPDATE") != "":
		if err := os.WriteFile(path, []byte(head+begin+b.String()+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the code says: QIANTANG_UPDATE=1 go test ./internal/calendar", path)
	}
	for alias := range aliases {
		if !strings.Contains(string(doc), "`"+alias+"`") {
			t.Errorf("%s does not name %s", path, alias)
		}
	}
}
