package router

import (
	"reflect"
	"testing"

	"qiantang.dev/rails/pkg/client"
)

const plainRequest = `{"corridor":"us-cn","account":"customer:acme:USD","amount":{"currency":"USD","value":"10.00"},"beneficiary":{"name":"杭州丝绸",` +
	`"country":"CN","account":"6222","agentBic":"ICBKCNBJ","cnaps":"1","town":"t","street":"s","postCode":"p"},"purpose":"GDDS","reference":"INV-1","uetr":"u"}`

func TestAPlainRequestIsReadInPlace(t *testing.T) {
	for _, body := range []string{plainRequest, " {} ", "{\n\t\"corridor\" : \"a\" ,\r\n \"amount\":{ } }\n"} {
		if !quickRequest(body, nil, new(client.PaymentRequest)) {
			t.Errorf("not read in place: %s", body)
		}
	}
	for _, body := range []string{"", "{", "[]", `"x"`, "null", `{"corridor":null}`, `{"corridor":1}`, `{"Corridor":"a"}`, `{"corridor":"\u0061"}`, `{"corridor":"a"} x`,
		`{"corridor":"a",}`, `{"corridor" "a"}`, `{"metadata":{"a":"b"}}`, `{"executeAt":"2026-11-27T00:00:00Z"}`, "{\"corridor\":\"\x01\"}", "{\"corridor\":\"\xff\"}", `{"amount":"1"}`, `{"id":"a"}`, `{"corridor":"a`} {
		if quickRequest(body, nil, new(client.PaymentRequest)) {
			t.Errorf("read in place: %s", body)
		}
	}
}

func FuzzWhatIsReadInPlaceIsReadTheSame(f *testing.F) {
	f.Add(plainRequest)
	f.Add(`{"id":"line-1","corridor":"us-cn"}`)
	f.Add(`{"amount":{"value":"1"},"amount":{"currency":"USD"},"corridor":"a","corridor":"b"}`)
	f.Add("{\"beneficiary\":{\"name\":\"\u2028 é\"}}")
	f.Fuzz(func(t *testing.T, body string) {
		var quick, strict batchLine
		if !quickRequest(body, &quick.ID, &quick.PaymentRequest) {
			return
		}
		if prob := decodeStrict([]byte(body), &strict); prob != nil {
			t.Fatalf("%q was read in place and is refused: %v", body, prob)
		}
		if !reflect.DeepEqual(quick, strict) {
			t.Errorf("%q: %+v, want %+v", body, quick, strict)
		}
	})
}
