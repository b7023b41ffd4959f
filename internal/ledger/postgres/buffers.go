package postgres

import (
	"github.com/jackc/pgx/v5"

	"qiantang.dev/rails/internal/ledger/engine"
)

// buffers are a connection's, used again for every batch. pgx begins each statement's parameters, and each flight of messages, with a small
// buffer that it grows by doubling and throws away: for batches of thousands of rows that would be two fifths of a worker's garbage. They
// belong to one connection, which may write from them until it is closed.
type buffers struct{ params, messages []byte }

// maxKept bounds what is kept of either between batches.
const maxKept = 4 << 20

// grow is b with room for n more bytes, in the connection's own memory. A statement's parameters are in the messages before the next
// statement's are begun, so one piece of memory does for all.
func (m *buffers) grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	if need := len(b) + n; cap(m.params) < need {
		m.params = make([]byte, 0, 2*need)
	}
	return append(m.params[:0], b...)
}

// prepare makes room for a batch's messages in the connection's frontend.
func (m *buffers) prepare(conn *pgx.Conn, b *engine.Batch) {
	if size := messageSize(b); cap(m.messages) < size {
		m.messages = make([]byte, 0, 2*size)
	}
	conn.PgConn().Frontend().Send(room{m})
}

func (m *buffers) trim() {
	if cap(m.params) > maxKept {
		m.params = nil
	}
	if cap(m.messages) > maxKept {
		m.messages = nil
	}
}

// messageSize is about what a batch takes on the wire: a booking's columns and a record's have fixed widths but for a few.
func messageSize(b *engine.Batch) int {
	n := 4096 + 256*len(b.Entries) + 64*len(b.Nodes) + 64*len(b.Balances) + 128*len(b.Windows) + 256*len(b.Accounts)
	for i := range b.Records {
		n += 320 + len(b.Records[i].Body)
	}
	return n
}

// room is a message of no bytes, which moves those before it into the connection's own memory.
type room struct{ *buffers }

// Frontend implements pgproto3.FrontendMessage.
func (room) Frontend() {}

// Decode implements pgproto3.Message.
func (room) Decode([]byte) error { return nil }

// Encode implements pgproto3.Message.
func (r room) Encode(dst []byte) ([]byte, error) {
	if cap(dst) >= cap(r.messages) {
		return dst, nil
	}
	return append(r.messages[:0], dst...), nil
}
