// Command nxdomain is a DNS server that answers every question with "no such name", at once. It stands behind the
// resolver of a Docker that has no way out: with nothing there, each lookup of an outside name would take seconds.
//
// usage: nxdomain ADDRESS:PORT
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// idle bounds how long a TCP connection is kept that says nothing.
const idle = 5 * time.Second

func main() {
	if len(os.Args) != 2 {
		_, _ = fmt.Fprintln(os.Stderr, "usage: nxdomain ADDRESS:PORT")
		os.Exit(2)
	}
	if err := serve(os.Args[1]); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "nxdomain: %v\n", err)
		os.Exit(1)
	}
}

func serve(addr string) error {
	var listen net.ListenConfig
	ctx := context.Background()
	packets, err := listen.ListenPacket(ctx, "udp", addr)
	if err != nil {
		return err
	}
	streams, err := listen.Listen(ctx, "tcp", packets.LocalAddr().String())
	if err != nil {
		return errors.Join(err, packets.Close())
	}
	failed := make(chan error, 2)
	go func() { failed <- servePackets(packets) }()
	go func() { failed <- serveStreams(streams) }()
	return <-failed
}

func servePackets(c net.PacketConn) error {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return err
		}
		if a, err := answer(buf[:n]); err == nil {
			// A client that is gone by now needs no answer.
			_, _ = c.WriteTo(a, from)
		}
	}
}

func serveStreams(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = c.Close() }()
			for converse(c) == nil {
			}
		}()
	}
}

// converse reads one question with its length before it and answers it likewise.
func converse(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(idle)); err != nil {
		return err
	}
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	question := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, question); err != nil {
		return err
	}
	a, err := answer(question)
	if err != nil {
		return err
	}
	_, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
	return err
}

// answer makes the reply to a message: no such name. What is not a question gets none.
func answer(message []byte) ([]byte, error) {
	var p dnsmessage.Parser
	h, err := p.Start(message)
	if err != nil {
		return nil, err
	}
	if h.Response {
		return nil, errors.New("a response, not a question")
	}
	questions, err := p.AllQuestions()
	if err != nil {
		return nil, err
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{
		ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RecursionAvailable: true,
		RCode: dnsmessage.RCodeNameError,
	})
	b.EnableCompression()
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	for _, q := range questions {
		if err := b.Question(q); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}
