//go:build e2e

package e2e

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"qiantang.dev/rails/internal/ledger/pgserver"
)

// database is a PostgreSQL on this machine that pods can reach.
type database struct {
	*pgserver.Server
	address, port string
	password      string
}

// privateInterface joins the machine to the network of hack/cluster's own Docker.
const privateInterface = "qiantang0"

// hostAddress is where pods of the hub reach this machine: on the interface to the private Docker, or on the one that the hub's node is
// behind. Empty where neither is known.
func hostAddress() (string, error) {
	node, err := netip.ParseAddr(record.Hub.NodeIP)
	if err != nil {
		return "", nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return "", err
	}
	for _, i := range all {
		addresses, err := i.Addrs()
		if err != nil {
			return "", err
		}
		for _, a := range addresses {
			p, err := netip.ParsePrefix(a.String())
			if err == nil && p.Addr().Is4() && (i.Name == privateInterface || p.Contains(node)) {
				return p.Addr().String(), nil
			}
		}
	}
	return "", nil
}

// startDatabase starts a PostgreSQL with a role and a database named hk, and ends it after the test.
func startDatabase(t *testing.T) *database {
	t.Helper()
	address, err := hostAddress()
	if err != nil {
		t.Fatal(err)
	}
	if address == "" {
		t.Skipf("the hub (node %q) is no cluster on this machine: pods have no known way to a PostgreSQL here", record.Hub.NodeIP)
	}
	d := &database{address: address, password: rand.Text()}
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	d.port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGPORT", d.port) // names the socket, too
	d.Server, err = pgserver.Start(t.Context(), "", map[string]string{"listen_addresses": address, "port": d.port})
	if errors.Is(err, pgserver.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	hba, err := os.OpenFile(filepath.Join(d.Data(), "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintln(hba, "host all all 0.0.0.0/0 scram-sha-256")
	if err := errors.Join(err, hba.Close()); err != nil {
		t.Fatal(err)
	}
	if err := d.Exec(t.Context(), "postgres", "CREATE ROLE hk LOGIN PASSWORD '"+d.password+"'", "CREATE DATABASE hk OWNER hk", "SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
	return d
}

// dsn is what the region's Secret holds.
func (d *database) dsn(password string) string {
	return fmt.Sprintf("postgres://hk:%s@%s/hk?sslmode=disable", password, net.JoinHostPort(d.address, d.port))
}
