package postgres

import (
	"bytes"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

func TestColumnsAreWrittenAsPgxWritesArrays(t *testing.T) {
	theirs, ours := pgtype.NewMap(), pgtype.NewMap()
	encodeColumns(ours, new(buffers))
	for _, tc := range []struct {
		oid   uint32
		value any
	}{
		{pgtype.Int8ArrayOID, []int64{1, -1, 1 << 62, -1 << 63}},
		{pgtype.Int4ArrayOID, []int32{0, -7, 1<<31 - 1}},
		{pgtype.Int2ArrayOID, []int16{0, -7, 1<<15 - 1}},
		{pgtype.TextArrayOID, []string{"", "a", "杭州"}},
		{pgtype.ByteaArrayOID, [][]byte{{}, {0, 1, 255}}},
		{pgtype.UUIDArrayOID, []pgtype.UUID{{}, {Bytes: [16]byte{1, 2, 3}, Valid: true}}},
		{pgtype.Int8ArrayOID, []pgtype.Int8{{}, {Int64: -5, Valid: true}}},
		{pgtype.Int8ArrayOID, []int64{}},
		{pgtype.TextArrayOID, []string{}},
		{pgtype.Int8ArrayOID, []*int64{nil}}, // not a column: left to pgx
	} {
		want, err := theirs.Encode(tc.oid, pgtype.BinaryFormatCode, tc.value, []byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ours.Encode(tc.oid, pgtype.BinaryFormatCode, tc.value, []byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%T %v: %x, want %x", tc.value, tc.value, got, want)
		}
	}
}
