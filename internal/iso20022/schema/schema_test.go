package schema_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"qiantang.dev/rails/internal/iso20022/isotest"
	"qiantang.dev/rails/internal/iso20022/schema"
	"qiantang.dev/rails/internal/iso20022/schema/distil"
)

func TestGrammarIsUpToDateWithTheOfficialSchemas(t *testing.T) {
	dir := isotest.Dir()
	if dir == "" {
		t.Skip("the official schemas are not here: set QIANTANG_TESTDATA")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.xsd"))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := distil.Write(&got, files); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("grammar.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("grammar.txt is not what the schemas give: run go run ./internal/iso20022/schema/gen")
	}
}

func TestTypesDoNotNestWithoutEnd(t *testing.T) {
	var depth func(*schema.Type, int) int
	depth = func(ty *schema.Type, at int) int {
		if at > 64 {
			t.Fatalf("%s nests deeper than 64: a document could too", ty.Name)
		}
		deepest := at
		for _, e := range ty.Elements {
			deepest = max(deepest, depth(e.Type, at+1))
		}
		return deepest
	}
	for _, id := range schema.Messages() {
		m, _ := schema.Lookup(id)
		if d := depth(m.Root.Type, 1); d > 24 {
			t.Errorf("%s nests %d deep", id, d)
		}
	}
}

func TestTextChecks(t *testing.T) {
	for _, c := range []struct {
		typ, text string
		ok        bool
	}{
		{"Max35Text", "a", true},
		{"Max35Text", "", false},
		{"Max35Text", "钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱钱", true},
		{"Max35Text", "012345678901234567890123456789012345", false},
		{"BICFIDec2014Identifier", "CHASUS33", true},
		{"BICFIDec2014Identifier", "CHASUS33XXX", true},
		{"BICFIDec2014Identifier", "CHASUS33XX", false},
		{"BICFIDec2014Identifier", "chasus33", false},
		{"UUIDv4Identifier", "8a562c67-ca16-48ba-b074-65581be6f011", true},
		{"UUIDv4Identifier", "8a562c67-ca16-58ba-b074-65581be6f011", false},
		{"PhoneNumber", "+86-571(0)12-34", true},
		{"PhoneNumber", "86-571", false},
		{"Max15PlusSignedNumericText", "+123", true},
		{"ISODate", "2026-02-28", true},
		{"ISODate", "2026-02-29", false},
		{"ISODate", "2028-02-29", true},
		{"ISODate", "2026-2-28", false},
		{"ISODate", "2026-02-28Z", true},
		{"ISODateTime", "2026-11-23T17:05:00", true},
		{"ISODateTime", "2026-11-23T17:05:00.123+08:00", true},
		{"ISODateTime", "2026-11-23T25:05:00Z", false},
		{"ISODateTime", "2026-11-23 17:05:00Z", false},
		{"ISODateTime", "2026-11-23T17:05:00.Z", false},
		{"ActiveCurrencyAndAmount_SimpleType", "1250.00", true},
		{"ActiveCurrencyAndAmount_SimpleType", "1250.123456", false},
		{"ActiveCurrencyAndAmount_SimpleType", "1234567890123456789", false},
		{"ActiveCurrencyAndAmount_SimpleType", "-1", false},
		{"ActiveCurrencyAndAmount_SimpleType", "1e3", false},
		{"ActiveCurrencyAndAmount_SimpleType", "NaN", false},
		{"ActiveCurrencyAndAmount_SimpleType", ".5", false},
		{"ChargeBearerType1Code", "SHAR", true},
		{"ChargeBearerType1Code", "ALL", false},
		{"TrueFalseIndicator", "true", true},
		{"TrueFalseIndicator", "yes", false},
		{"ISOYearMonth", "2026-11", true},
		{"ISOYearMonth", "2026-13", false},
		{"ISOTime", "09:30:00Z", true},
		{"ISOTime", "9:30", false},
	} {
		ty, found := schema.TypeOf(c.typ)
		if !found {
			t.Errorf("no type %s", c.typ)
			continue
		}
		if why := ty.Text.Check(c.text); (why == "") != c.ok {
			t.Errorf("%s %q: %q, want ok %v", c.typ, c.text, why, c.ok)
		}
	}
}
