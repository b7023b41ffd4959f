package main

import (
	"context"
	"errors"
	"net"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestEveryNameIsUnknownOverUDPAndTCP(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	streams, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() { ended <- servePackets(packets) }()
	go func() { ended <- serveStreams(streams) }()
	for network, addr := range map[string]string{"udp": packets.LocalAddr().String(), "tcp": streams.Addr().String()} {
		r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, addr)
		}}
		_, err := r.LookupHost(t.Context(), "host.docker.internal.")
		var dns *net.DNSError
		if !errors.As(err, &dns) || !dns.IsNotFound || dns.IsTimeout {
			t.Errorf("%s: error %v", network, err)
		}
	}
	if err := errors.Join(packets.Close(), streams.Close()); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("a closed listener is no error")
		}
	}
}

func TestServeNeedsAnAddressOfItsOwn(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	if err := serve(taken.LocalAddr().String()); err == nil {
		t.Error("no error")
	}
}

func TestAnswerIgnoresWhatIsNoQuestion(t *testing.T) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true})
	response, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range [][]byte{nil, []byte("x"), response, {0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0}} {
		if _, err := answer(m); err == nil {
			t.Errorf("%v was answered", m)
		}
	}
}
