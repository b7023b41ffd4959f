package rules

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestDocsShowTheVocabulary(t *testing.T) {
	var b strings.Builder
	b.WriteString("| name | type | is |\n|---|---|---|\n")
	for i := range vocabulary {
		v := &vocabulary[i]
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.name, strings.ToLower(strings.TrimPrefix(v.celType().String(), "google.protobuf.")), v.doc)
	}
	for _, c := range clocks {
		kind := "int"
		if c.str != nil {
			kind = "string"
		}
		fmt.Fprintf(&b, "| `now.%s('Asia/Shanghai')` | %s | %s |\n", c.name, kind, c.doc)
	}
	b.WriteString("| `now.isBusinessDay('CN', 'Asia/Shanghai')` | bool | by a built-in calendar, on the day it is in the zone |\n")
	b.WriteString("| `decimal('12.50')` | decimal | a decimal written out |\n")

	const path, begin, end = "../../../docs/routing.md", "<!-- begin vocabulary -->\n", "<!-- end vocabulary -->"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(doc), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	switch {
	case !ok || !ok2:
		t.Fatalf("%s has no place for the vocabulary", path)
	case old == b.String():
	case os.Getenv("QIANTANG_UPDATE") != "":
		if err := os.WriteFile(path, []byte(head+begin+b.String()+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the code says: QIANTANG_UPDATE=1 go test ./internal/route/rules", path)
	}
}
