package router

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"qiantang.dev/rails/internal/money"
	"qiantang.dev/rails/pkg/client"
)

// fill gives every field of v, however deep, a value other than the zero one; or, where it is left out, none. A field of a kind that it
// does not know fails the test, so that none is forgotten.
func fill(t *testing.T, v reflect.Value, rnd *rand.Rand) {
	t.Helper()
	if rnd.IntN(5) == 0 {
		return
	}
	texts := []string{"plain", "杭州丝绸", `a "quoted" \ one`, "<&>", "bad \xff", "\u2028"}
	switch v.Addr().Interface().(type) {
	case *uuid.UUID:
		v.Set(reflect.ValueOf(uuid.New()))
		return
	case *time.Time:
		v.Set(reflect.ValueOf(time.UnixMicro(rnd.Int64N(4e15)).UTC()))
		return
	case *sum:
		v.Set(reflect.ValueOf(sum{money.FromMinor(rnd.Int64N(2e9)-1e9, []money.Currency{"USD", "JPY", "KWD"}[rnd.IntN(3)])}))
		return
	case *money.Rate:
		r, err := money.ParseRate(fmt.Sprintf("%d.%d", rnd.IntN(1000), 1+rnd.IntN(99999)))
		if err != nil {
			t.Fatal(err)
		}
		v.Set(reflect.ValueOf(r))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[rnd.IntN(len(texts))])
	case reflect.Int, reflect.Int64:
		v.SetInt(rnd.Int64N(100) - 50)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), rnd)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), rnd)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"b": "1", "a<": texts[rnd.IntN(len(texts))]}))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i), rnd)
			}
		}
	default:
		t.Fatalf("%s: fill does not know this kind", v.Type())
	}
}

func TestDocumentsAreAsEncodingJSONWritesThem(t *testing.T) {
	same := func(what string, got []byte, err error, want any) {
		t.Helper()
		b, err2 := json.Marshal(want)
		if err != nil || err2 != nil {
			t.Fatalf("%s: %v, %v", what, err, err2)
		}
		if string(got) != string(b) {
			t.Fatalf("%s:\n%s\nwant\n%s", what, got, b)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		p, r := new(payment), new(client.PaymentRequest)
		fill(t, reflect.ValueOf(p).Elem(), rnd)
		fill(t, reflect.ValueOf(r).Elem(), rnd)
		p.state = client.Pending
		got, err := p.encode()
		same("record", got, err, p)
		got, err = p.encodeWire()
		same("payment", got, err, p.wire())
		got, err = encodeRequest(r)
		same("request", got, err, r)
	}
}
