package postgres

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"
)

// encodeColumns makes m write the arrays that batches are made of in one pass, into the connection's buffers. pgx writes an array of any
// type, element by element through an interface: for a batch of thousands of rows that is most of the work.
func encodeColumns(m *pgtype.Map, into *buffers) {
	for _, oid := range []uint32{pgtype.Int8ArrayOID, pgtype.Int4ArrayOID, pgtype.Int2ArrayOID, pgtype.TextArrayOID, pgtype.ByteaArrayOID, pgtype.UUIDArrayOID} {
		if t, ok := m.TypeForOID(oid); ok {
			array, ok := t.Codec.(*pgtype.ArrayCodec)
			if ok {
				m.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: columnCodec{array, array.ElementType.OID, into}})
			}
		}
	}
}

// columnCodec is an array's codec that has shorter ways for the types of columns.
type columnCodec struct {
	*pgtype.ArrayCodec
	element uint32
	into    *buffers
}

// PlanEncode implements pgtype.Codec.
func (c columnCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode {
		switch value.(type) {
		case []int64:
			return columnPlan[int64]{c, func(int64) int { return 8 }, func(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }}
		case []int32:
			return columnPlan[int32]{c, func(int32) int { return 4 }, func(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }}
		case []int16:
			return columnPlan[int16]{c, func(int16) int { return 2 }, func(b []byte, v int16) []byte { return binary.BigEndian.AppendUint16(b, uint16(v)) }}
		case []string:
			return columnPlan[string]{c, func(v string) int { return len(v) }, func(b []byte, v string) []byte { return append(b, v...) }}
		case [][]byte:
			return columnPlan[[]byte]{c, func(v []byte) int { return len(v) }, func(b []byte, v []byte) []byte { return append(b, v...) }}
		case []pgtype.UUID:
			return columnPlan[pgtype.UUID]{c, func(v pgtype.UUID) int { return width(v.Valid, 16) }, func(b []byte, v pgtype.UUID) []byte { return append(b, v.Bytes[:]...) }}
		case []pgtype.Int8:
			return columnPlan[pgtype.Int8]{c, func(v pgtype.Int8) int { return width(v.Valid, 8) }, func(b []byte, v pgtype.Int8) []byte { return binary.BigEndian.AppendUint64(b, uint64(v.Int64)) }}
		}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

// null is a NULL's length.
const null = -1

func width(valid bool, n int) int {
	if valid {
		return n
	}
	return null
}

// columnPlan writes an array of one dimension: its header, then each element's length in four bytes and its value.
type columnPlan[T any] struct {
	columnCodec
	size  func(T) int // null where the element is NULL
	write func([]byte, T) []byte
}

// Encode implements pgtype.EncodePlan.
func (p columnPlan[T]) Encode(value any, buf []byte) ([]byte, error) {
	rows := value.([]T)
	total, nulls := 20, uint32(0)
	for _, v := range rows {
		n := p.size(v)
		if n == null {
			n, nulls = 0, 1
		}
		total += 4 + n
	}
	buf = p.into.grow(buf, total)
	put := binary.BigEndian.AppendUint32
	buf = put(put(put(buf, 1), nulls), p.element)
	buf = put(put(buf, uint32(len(rows))), 1)
	for _, v := range rows {
		n := p.size(v)
		buf = put(buf, uint32(int32(n)))
		if n != null {
			buf = p.write(buf, v)
		}
	}
	return buf, nil
}
