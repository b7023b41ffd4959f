package jsonw

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
)

func FuzzTextIsAsEncodingJSONWritesIt(f *testing.F) {
	for _, s := range []string{"", "plain", "杭州丝绸 Zürich", `quote " back \ slash`, "a<b>&c", "tab\tnul\x00del\x7f", "bad \xff\xc3( utf8", "\u2028line\u2029", "\ufffd kept"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(map[string]string{"k": s})
		if err != nil {
			t.Fatal(err)
		}
		var w Writer
		w.Open()
		w.Text("k", s)
		w.Close()
		if string(w.Buf) != string(want) || w.Err != nil {
			t.Errorf("%q: %s, want %s (%v)", s, w.Buf, want, w.Err)
		}
	})
}

func TestFieldsAreAsEncodingJSONWritesThem(t *testing.T) {
	type doc struct {
		A string            `json:"a"`
		B int64             `json:"b"`
		C bool              `json:"c"`
		D time.Time         `json:"d"`
		E uuid.UUID         `json:"e"`
		F map[string]string `json:"f"`
	}
	d := doc{A: "x", B: -7, C: true, D: time.Date(2026, 11, 27, 1, 2, 3, 456000, time.UTC), E: uuid.New(), F: map[string]string{"z": "1", "a": "2"}}
	want, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var w Writer
	w.Open()
	w.Text("a", d.A)
	w.TextIf("no", "")
	w.Int("b", d.B)
	w.IntIf("no", 0)
	w.Bool("c", d.C)
	w.Time("d", d.D)
	w.UUID("e", d.E)
	w.Any("f", d.F)
	w.Close()
	if string(w.Buf) != string(want) || w.Err != nil {
		t.Errorf("%s, want %s (%v)", w.Buf, want, w.Err)
	}
}

func TestWhatJSONCannotHoldIsAnError(t *testing.T) {
	var w Writer
	w.Open()
	w.Time("t", time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC))
	if w.Err == nil {
		t.Error("a year of five digits was written")
	}
	first := w.Err
	w.Any("f", func() {})
	if !errors.Is(w.Err, first) {
		t.Error("a later error took the first one's place")
	}
}
