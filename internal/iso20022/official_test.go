package iso20022_test

import (
	"testing"

	"qiantang.dev/rails/internal/iso20022"
	"qiantang.dev/rails/internal/iso20022/isotest"
)

type message interface {
	Append(dst []byte, indent bool) ([]byte, error)
}

func reader[M any, P interface {
	*M
	message
}](read func(string) (P, iso20022.Info, error)) func(string) (message, error) {
	return func(doc string) (message, error) {
		m, _, err := read(doc)
		if err != nil {
			return nil, err
		}
		return m, nil
	}
}

var readers = map[string]func(string) (message, error){
	iso20022.IDHeader:  reader(iso20022.ReadHeader),
	iso20022.IDPain001: reader(iso20022.ReadPain001),
	iso20022.IDPain002: reader(iso20022.ReadPain002),
	iso20022.IDPacs002: reader(iso20022.ReadPacs002),
	iso20022.IDPacs004: reader(iso20022.ReadPacs004),
	iso20022.IDPacs008: reader(iso20022.ReadPacs008),
	iso20022.IDPacs009: reader(iso20022.ReadPacs009),
	iso20022.IDCamt029: reader(iso20022.ReadCamt029),
	iso20022.IDCamt056: reader(iso20022.ReadCamt056),
}

func TestWhatTheSchemaAllowsIsReadAndWrittenAgainValidly(t *testing.T) {
	for id, read := range readers {
		t.Run(id, func(t *testing.T) {
			var made, again [][]byte
			for seed := range uint64(60) {
				doc := isotest.Generate(id, seed)
				made = append(made, []byte(doc))
				m, err := read(doc)
				if err != nil {
					t.Fatalf("seed %d: %v\n%s", seed, err, doc)
				}
				out, err := m.Append(nil, seed%2 == 0)
				if err != nil {
					t.Fatalf("seed %d: write again: %v\n%s", seed, err, doc)
				}
				again = append(again, out)
			}
			isotest.Valid(t, id, made...)
			isotest.Valid(t, id, again...)
		})
	}
}
