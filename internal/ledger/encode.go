package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"qiantang.dev/rails/internal/money"
)

// Codes of the kinds and types as they are stored and hashed; they never change.
var (
	kindCodes = map[TransferKind]uint8{Immediate: 1, Reserve: 2, Post: 3, Void: 4, Expire: 5, Reverse: 6}
	kindNames = [...]TransferKind{1: Immediate, 2: Reserve, 3: Post, 4: Void, 5: Expire, 6: Reverse}
)

// Code is k as it is stored and hashed; 0 for no kind of ours.
func (k TransferKind) Code() uint8 { return kindCodes[k] }

// KindOf is the kind with the code c, empty where there is none.
func KindOf(c uint8) TransferKind {
	if int(c) < len(kindNames) {
		return kindNames[c]
	}
	return ""
}

// Leaf formats: the first byte of canonical bytes says what they are and in which version.
const (
	entryFormat   = 0xE1
	accountFormat = 0xA1
)

// AppendCanonical appends the entry's canonical bytes, which are the leaf of the Merkle log: a format byte, then every field in the
// order below. Integers are big-endian, times are microseconds since 1970 (0: none), dates days since 1970, texts are preceded by
// their length in two bytes.
func (e *Entry) AppendCanonical(b []byte) []byte {
	return (&Leaf[string]{
		Seq: e.Seq, Booked: Micros(e.Booked), ID: e.ID, Kind: e.Kind.Code(), Debit: e.Debit, Credit: e.Credit,
		Currency: string(e.Amount.Currency()), Amount: e.Amount.Minor(), Released: e.Released, Ref: e.Ref, Expires: Micros(e.Expires),
		ValueDate: Days(e.ValueDate), Code: e.Code, Reference: e.Reference, Window: e.Window,
	}).Append(b)
}

// Leaf is an entry as it is stored and hashed. S lets an audit read millions without making strings of bytes.
type Leaf[S string | []byte] struct {
	Seq       uint64
	Booked    int64 // microseconds since 1970
	ID        [16]byte
	Kind      uint8
	Debit     S
	Credit    S
	Currency  S
	Amount    int64
	Released  int64
	Ref       [16]byte
	Expires   int64 // microseconds since 1970, 0: none
	ValueDate int32 // days since 1970
	Code      S
	Reference S
	Window    S
}

// Append appends the canonical bytes.
func (l *Leaf[S]) Append(b []byte) []byte {
	b = append(b, entryFormat)
	b = binary.BigEndian.AppendUint64(b, l.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(l.Booked))
	b = append(b, l.ID[:]...)
	b = append(b, l.Kind)
	b = appendText(b, l.Debit)
	b = appendText(b, l.Credit)
	b = appendText(b, l.Currency)
	b = binary.BigEndian.AppendUint64(b, uint64(l.Amount))
	b = binary.BigEndian.AppendUint64(b, uint64(l.Released))
	b = append(b, l.Ref[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(l.Expires))
	b = binary.BigEndian.AppendUint32(b, uint32(l.ValueDate))
	b = appendText(b, l.Code)
	b = appendText(b, l.Reference)
	return appendText(b, l.Window)
}

// ParseEntry reads canonical bytes back. It fails with an InvalidError for bytes that AppendCanonical did not write.
func ParseEntry(b []byte) (Entry, error) {
	d := decoder{rest: b}
	if d.byte() != entryFormat {
		return Entry{}, &InvalidError{Field: "leaf", Value: fmt.Sprintf("%x", b[:min(len(b), 16)]), Why: "is not an entry"}
	}
	var e Entry
	e.Seq, e.Booked = d.uint64(), FromMicros(int64(d.uint64()))
	copy(e.ID[:], d.take(16))
	e.Kind = KindOf(d.byte())
	e.Debit, e.Credit = d.text(), d.text()
	currency := money.Currency(d.text())
	e.Amount = money.FromMinor(int64(d.uint64()), currency)
	e.Released = int64(d.uint64())
	copy(e.Ref[:], d.take(16))
	e.Expires = FromMicros(int64(d.uint64()))
	if day := d.take(4); day != nil {
		e.ValueDate = FromDays(int32(binary.BigEndian.Uint32(day)))
	}
	e.Code, e.Reference, e.Window = d.text(), d.text(), d.text()
	if d.short || len(d.rest) > 0 || !bytes.Equal(e.AppendCanonical(nil), b) {
		return Entry{}, &InvalidError{Field: "leaf", Value: fmt.Sprintf("%x", b[:min(len(b), 16)]), Why: "is not an entry as it is hashed"}
	}
	return e, nil
}

type decoder struct {
	rest  []byte
	short bool
}

func (d *decoder) take(n int) []byte {
	if len(d.rest) < n {
		d.short, d.rest = true, nil
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() uint8 {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) text() string {
	n := d.take(2)
	if n == nil {
		return ""
	}
	return string(d.take(int(binary.BigEndian.Uint16(n))))
}

// AppendCanonical appends the account's canonical bytes, which are the leaf of the accounts' own Merkle log: no is its number, from 1.
func (a *Account) AppendCanonical(b []byte, no uint64) []byte {
	b = append(b, accountFormat)
	b = binary.BigEndian.AppendUint64(b, no)
	b = appendText(b, a.ID)
	b = appendText(b, a.Owner)
	b = appendText(b, a.Participant)
	b = appendText(b, string(a.Type))
	b = appendText(b, string(a.Currency))
	b = appendLimit(b, a.Floor)
	return appendLimit(b, a.Cap)
}

func appendText[S string | []byte](b []byte, s S) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

func appendLimit(b []byte, v *int64) []byte {
	if v == nil {
		return append(b, 0)
	}
	return binary.BigEndian.AppendUint64(append(b, 1), uint64(*v))
}

// Micros is t in microseconds since 1970, 0 for the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// FromMicros is the time that Micros wrote, in UTC.
func FromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

const daySeconds = 24 * 60 * 60

// Days is the UTC day of t as days since 1970; the zero time is day 0.
func Days(t time.Time) int32 {
	if t.IsZero() {
		return 0
	}
	s := t.Unix()
	d := s / daySeconds
	if s%daySeconds < 0 {
		d--
	}
	return int32(d)
}

// FromDays is UTC midnight of the day d since 1970.
func FromDays(d int32) time.Time { return time.Unix(int64(d)*daySeconds, 0).UTC() }
