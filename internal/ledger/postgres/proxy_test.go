package postgres_test

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between the ledger and PostgreSQL, and cuts connections when told.
type proxy struct {
	listener net.Listener
	server   string
	// cut is how the next commit is cut: 0 not at all, else one more than the way.
	cut  atomic.Int32
	cuts atomic.Int32
	wg   sync.WaitGroup
	mu   sync.Mutex
	open map[net.Conn]bool
}

func newProxy(t *testing.T, server string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, server: server, open: map[net.Conn]bool{}}
	p.wg.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for c := range p.open {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) dsn(role, database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", role, p.listener.Addr(), database)
}

// cutNextCommit cuts the connection that the next COMMIT is sent on: 0 before it reaches the server, 1 after it, 2 once the server has
// answered but before the client sees it.
func (p *proxy) cutNextCommit(way int) { p.cut.Store(int32(way) + 1) }

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.open[client], p.open[server] = true, true
		p.mu.Unlock()
		var silent atomic.Bool
		p.wg.Go(func() { p.requests(client, server, &silent) })
		p.wg.Go(func() { p.answers(client, server, &silent) })
	}
}

func (p *proxy) end(client, server net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, client)
	delete(p.open, server)
	_, _ = client.Close(), server.Close()
}

func (p *proxy) requests(client, server net.Conn, silent *atomic.Bool) {
	defer p.end(client, server)
	buf := make([]byte, 1<<20)
	for {
		n, err := client.Read(buf)
		// The ledger's writes come in one piece with the COMMIT's prepared name or text at the end; the head's UPDATE tells them from
		// others. Any sizeable request will do to be cut.
		if n > 1500 || bytes.Contains(buf[:n], []byte("COMMIT")) {
			switch p.cut.Swap(0) {
			case 1:
				p.cuts.Add(1)
				_, _ = server.Write(buf[:n/2])
				return
			case 2:
				p.cuts.Add(1)
				_, _ = server.Write(buf[:n])
				return
			case 3:
				p.cuts.Add(1)
				silent.Store(true)
			}
		}
		if _, werr := server.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (p *proxy) answers(client, server net.Conn, silent *atomic.Bool) {
	defer p.end(client, server)
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if silent.Load() {
			return
		}
		if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}
