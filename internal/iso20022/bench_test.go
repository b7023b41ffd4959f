package iso20022_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/cbpr"
)

func document(b *testing.B, n int) string {
	b.Helper()
	doc, err := pacs008(n).Append(nil, true)
	if err != nil {
		b.Fatal(err)
	}
	return string(doc)
}

func BenchmarkReadPacs008(b *testing.B) {
	for name, n := range map[string]int{"1": 1, "1000": 1000} {
		doc := document(b, n)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				m, _, err := iso20022.ReadPacs008(doc)
				if err != nil || len(m.Transfers) != n {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadAndCheckPacs008(b *testing.B) {
	doc := document(b, 1)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		m, _, err := iso20022.ReadPacs008(doc)
		if err != nil {
			b.Fatal(err)
		}
		if v := cbpr.CheckPacs008(m); len(v) != 0 {
			b.Fatal(v)
		}
	}
}

// BenchmarkEncodingXMLTokens is what encoding/xml needs for the tokens alone, with no struct and no check.
func BenchmarkEncodingXMLTokens(b *testing.B) {
	doc := document(b, 1000)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		d := xml.NewDecoder(strings.NewReader(doc))
		for {
			if _, err := d.RawToken(); err != nil {
				break
			}
		}
	}
}

func BenchmarkWritePacs008(b *testing.B) {
	m := pacs008(1000)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = m.Append(buf[:0], false); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}
