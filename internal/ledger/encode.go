package ledger

import (
	"encoding/binary"
	"time"
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
	b = append(b, entryFormat)
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(Micros(e.Booked)))
	b = append(b, e.ID[:]...)
	b = append(b, e.Kind.Code())
	b = appendText(b, e.Debit)
	b = appendText(b, e.Credit)
	b = appendText(b, string(e.Amount.Currency()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Amount.Minor()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Released))
	b = append(b, e.Ref[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(Micros(e.Expires)))
	b = binary.BigEndian.AppendUint32(b, uint32(Days(e.ValueDate)))
	b = appendText(b, e.Code)
	b = appendText(b, e.Reference)
	return appendText(b, e.Window)
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

func appendText(b []byte, s string) []byte {
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
