package ledger_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/money"
)

func draw(rt *rapid.T) ledger.Entry {
	text := func(name string) string { return rapid.StringMatching(`[a-z0-9:]{0,20}`).Draw(rt, name) }
	e := ledger.Entry{
		Seq: rapid.Uint64().Draw(rt, "seq"), Booked: ledger.FromMicros(rapid.Int64Range(1, 1<<50).Draw(rt, "booked")),
		Released: rapid.Int64().Draw(rt, "released"),
		Transfer: ledger.Transfer{
			Kind:  rapid.SampledFrom([]ledger.TransferKind{ledger.Immediate, ledger.Reserve, ledger.Post, ledger.Void, ledger.Expire, ledger.Reverse}).Draw(rt, "kind"),
			Debit: text("debit"), Credit: text("credit"), Code: text("code"), Reference: text("reference"), Window: text("window"),
			Amount:    money.FromMinor(rapid.Int64().Draw(rt, "amount"), rapid.SampledFrom([]money.Currency{"USD", "CNY", "JPY"}).Draw(rt, "currency")),
			Expires:   ledger.FromMicros(rapid.Int64Range(0, 1<<50).Draw(rt, "expires")),
			ValueDate: ledger.FromDays(rapid.Int32Range(-20000, 90000).Draw(rt, "day")),
		},
	}
	copy(e.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "id"))
	copy(e.Ref[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "ref"))
	return e
}

func TestEntriesAreReadBackFromTheirLeaves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := draw(rt)
		leaf := e.AppendCanonical(nil)
		got, err := ledger.ParseEntry(leaf)
		if err != nil || !reflect.DeepEqual(got, e) {
			rt.Fatalf("got %+v, %v, want %+v", got, err, e)
		}
		other := draw(rt)
		if !reflect.DeepEqual(other, e) && bytes.Equal(other.AppendCanonical(nil), leaf) {
			rt.Fatalf("%+v and %+v have the same leaf", e, other)
		}
		for _, broken := range [][]byte{leaf[:len(leaf)-1], append(bytes.Clone(leaf), 0), leaf[1:], nil} {
			if _, err := ledger.ParseEntry(broken); err == nil {
				rt.Fatalf("%x was read", broken)
			}
		}
	})
}

// The canonical bytes are for ever: a change breaks every checkpoint signed before.
func TestCanonicalBytesDoNotChange(t *testing.T) {
	e := ledger.Entry{Seq: 7, Booked: time.Date(2026, 10, 12, 8, 0, 0, 5000, time.UTC), Released: 3, Transfer: ledger.Transfer{
		ID: uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff"), Kind: ledger.Post, Debit: "a", Credit: "b", Amount: money.FromMinor(2, "USD"),
		Ref: uuid.MustParse("ffeeddcc-bbaa-9988-7766-554433221100"), ValueDate: time.Date(2026, 10, 12, 0, 0, 0, 0, time.UTC), Code: "c", Reference: "r", Window: "w",
	}}
	const want = "e1000000000000000700065da015abe00500112233445566778899aabbccddeeff0300016100016200035553440000000000000002" +
		"0000000000000003ffeeddccbbaa998877665544332211000000000000000000000051020001630001720001" + "77"
	if got := hex.EncodeToString(e.AppendCanonical(nil)); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	limit := int64(-5)
	a := ledger.Account{ID: "a", Owner: "o", Participant: "p", Type: ledger.Asset, Currency: "USD", Floor: &limit}
	const account = "a1000000000000000900016100016f000170000561737365740003555344" + "01fffffffffffffffb" + "00"
	if got := hex.EncodeToString(a.AppendCanonical(nil, 9)); got != account {
		t.Fatalf("got %s, want %s", got, account)
	}
}
