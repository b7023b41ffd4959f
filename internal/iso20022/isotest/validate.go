// Package isotest helps tests that deal in ISO 20022 documents: it checks them against the official schemas with two validators
// that are not ours, and makes valid documents from a seed. It is for tests alone.
package isotest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/jacoelho/xsd"
)

// Dir is where the official schemas lie: iso20022 below QIANTANG_TESTDATA, or below ../shared beside the checkout. Empty where they
// are not to be had.
func Dir() string {
	base := os.Getenv("QIANTANG_TESTDATA")
	if base == "" {
		_, file, _, _ := runtime.Caller(0)
		base = filepath.Join(filepath.Dir(file), "..", "..", "..", "..", "shared")
	}
	dir := filepath.Join(base, "iso20022")
	if _, err := os.Stat(filepath.Join(dir, "pacs.008.001.08.xsd")); err != nil {
		return ""
	}
	return dir
}

var loaded sync.Map // message → func() (*xsd.Schema, error)

// Check says what jacoelho/xsd finds wrong with a document of the message, nil for nothing. It skips the test where the official
// schemas are not to be had.
func Check(t testing.TB, message string, doc []byte) error {
	t.Helper()
	dir := Dir()
	if dir == "" {
		t.Skip("the official schemas are not here: set QIANTANG_TESTDATA to the directory that holds iso20022/")
	}
	load, _ := loaded.LoadOrStore(message, sync.OnceValues(func() (*xsd.Schema, error) {
		return xsd.LoadFile(filepath.Join(dir, message+".xsd"))
	}))
	s, err := load.(func() (*xsd.Schema, error))()
	if err != nil {
		t.Fatalf("load schema of %s: %v", message, err)
	}
	return s.Validate(bytes.NewReader(doc))
}

// Valid fails the test unless jacoelho/xsd and xmllint both find every document valid. Without xmllint it says so and goes on.
func Valid(t testing.TB, message string, docs ...[]byte) {
	t.Helper()
	for _, doc := range docs {
		if err := Check(t, message, doc); err != nil {
			t.Errorf("jacoelho/xsd: not a valid %s: %v\n%s", message, err, doc)
		}
	}
	xmllint(t, message, docs)
}

func xmllint(t testing.TB, message string, docs [][]byte) {
	t.Helper()
	bin, err := exec.LookPath("xmllint")
	if err != nil {
		if strings.Contains(os.Getenv("QIANTANG_REQUIRE"), "xmllint") {
			t.Fatal("QIANTANG_REQUIRE names xmllint: ", err)
		}
		t.Log("xmllint is not installed (Debian: libxml2-utils): checked by one validator alone")
		return
	}
	dir := t.TempDir()
	args := []string{"--noout", "--nonet", "--schema", filepath.Join(Dir(), message+".xsd")}
	for i, doc := range docs {
		name := filepath.Join(dir, string(rune('a'+i%26))+strings.Repeat("x", i/26)+".xml")
		if err := os.WriteFile(name, doc, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	if out, err := exec.CommandContext(t.Context(), bin, args...).CombinedOutput(); err != nil {
		t.Errorf("xmllint: not a valid %s: %v\n%s", message, err, out)
	}
}
