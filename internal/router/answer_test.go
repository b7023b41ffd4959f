package router

import (
	"encoding/json"
	"testing"
)

func TestAnAnswerIsKeptAsEncodingJSONWouldWriteIt(t *testing.T) {
	for name, a := range map[string]answer{
		"payment": {Hash: "00ff", Status: 201, Payment: "0199-ab", Body: json.RawMessage(`{"id":"0199-ab","beneficiary":{"name":"\u003cSilk\u003e 丝"}}`)},
		"deposit": {Hash: "00ff", Status: 201, Body: json.RawMessage(`{}`)},
		"refusal": {Hash: "00ff", Status: 422, Payment: "0199-ab", Body: json.RawMessage(`{"title":"Unprocessable Entity","status":422}`), replayed: true},
	} {
		want, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.put("payment:k").Body; string(got) != string(want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
