// Package pgserver runs a PostgreSQL of its own for tests and benchmarks: Debian's binaries, a fresh data directory, a Unix socket and
// no network. It refuses nobody who can reach the socket's folder, so it is for throw-away data alone.
package pgserver
