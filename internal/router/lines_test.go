package router

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const header = "id,corridor,account,currency,amount,beneficiary_name,beneficiary_country,beneficiary_account,beneficiary_bic,purpose,reference\n"

func all(kind, text string) []parsed {
	return slices.Collect(readLines(kind, strings.NewReader(text)))
}

func TestCSVLinesBecomePayments(t *testing.T) {
	got := all(typeCSV, "\uFEFF"+header+"\r\n"+
		`p1,us-cn,customer:acme:USD,USD,10.00,"Silk, ""Best"" & Co",CN,622202,ICBKCNBJ,GDDS,INV 1`+"\r\n"+
		`p2,us-cn,customer:acme:USD,USD,11.00,Tea,CN,622203,,,`+"\n")
	if len(got) != 2 || got[0].prob != nil || got[1].prob != nil {
		t.Fatalf("%+v", got)
	}
	if got[0].key != "p1" || got[0].line != 1 || got[0].req.Beneficiary.Name != `Silk, "Best" & Co` || got[0].req.Reference != "INV 1" || got[0].req.Amount.Value != "10.00" {
		t.Errorf("%+v", got[0].req)
	}
	if got[1].line != 2 || got[1].req.Beneficiary.AgentBIC != "" || got[1].req.Beneficiary.Account != "622203" {
		t.Errorf("%+v", got[1].req)
	}
}

func TestWrongCSVLinesAreToldOfAndPassedOver(t *testing.T) {
	got := all(typeCSV, header+"a,b\n"+`p,us-cn,"open`+"\n"+`p,us-cn,x"y,USD,1,n,CN,1,,,`+"\n"+`p,us-cn,"x"y,USD,1,n,CN,1,,,`+"\nok,us-cn,a,USD,1,n,CN,1,,,\n")
	if len(got) != 5 {
		t.Fatalf("%d lines", len(got))
	}
	for i, l := range got {
		if (l.prob == nil) != (i == 4) || l.line != i+1 {
			t.Errorf("line %d: %+v", i+1, l)
		}
	}
}

func TestAWrongHeaderEndsTheBatch(t *testing.T) {
	for _, h := range []string{"id,corridor\n", strings.Replace(header, "purpose", "porpoise", 1), strings.Replace(header, "purpose", "id", 1), `id,"cor` + "\n"} {
		if got := all(typeCSV, h+"x\ny\n"); len(got) != 1 || got[0].prob == nil {
			t.Errorf("header %q: %+v", h, got)
		}
	}
	if got := all(typeCSV, ""); len(got) != 0 {
		t.Errorf("an empty batch has %d lines", len(got))
	}
}

func TestNDJSONIsReadStrictly(t *testing.T) {
	got := all(typeNDJSON, `{"id":"a","corridor":"us-cn"}`+"\n\n"+`{"id":"b","colour":"red"}`+"\n"+`nonsense`+"\n"+`{"id":"c"}`)
	if len(got) != 4 || got[0].key != "a" || got[0].prob != nil || got[1].prob == nil || got[2].prob == nil || got[3].key != "c" || got[3].line != 4 {
		t.Errorf("%+v", got)
	}
}

func TestALineWithoutEndIsRefusedBeforeItIsRead(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(header), iotest.OneByteReader(strings.NewReader("x")), endlessReader{})
	for _, kind := range []string{typeCSV, typeNDJSON} {
		got := slices.Collect(readLines(kind, endless))
		if last := got[len(got)-1]; last.prob == nil || last.prob.Status != 413 {
			t.Errorf("%s: %+v", kind, last.prob)
		}
	}
}

type endlessReader struct{}

func (endlessReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestABatchThatBreaksOffSaysSo(t *testing.T) {
	got := slices.Collect(readLines(typeNDJSON, io.MultiReader(strings.NewReader(`{"id":"a"}`+"\n"), iotest.ErrReader(errors.New("gone")))))
	if len(got) != 2 || got[1].prob == nil || got[1].prob.Status != 400 {
		t.Errorf("%+v", got)
	}
}

func FuzzCSVSplitsAsTheStandardLibraryDoes(f *testing.F) {
	for _, s := range []string{"a,b", `"a,b",c`, `"a""b"`, `a"b`, `"a"b`, `"`, `,`, ``, `"",`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") || line == "" {
			return
		}
		row, prob := splitCSV(line)
		want, err := csv.NewReader(strings.NewReader(line)).Read()
		if (prob == nil) != (err == nil) {
			t.Fatalf("%q: %v, the standard library says %v", line, prob, err)
		}
		if err == nil && fmt.Sprint(row) != fmt.Sprint(want) {
			t.Fatalf("%q: %q, want %q", line, row, want)
		}
	})
}
