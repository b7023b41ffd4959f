// Package engine provides Docker: the machine's own where it answers, else a private containerd and dockerd in a
// network namespace of their own.
//
// The private one keeps all of Docker's bridges, firewall rules and forwarding inside its namespace. A pair of
// interfaces joins it to the machine, with one route; it has no way out to other networks. Everything that it changes
// on the machine is recorded first and undone by Down. Its socket is a path, so `docker` and `kind` run from the
// machine's own namespace.
package engine
