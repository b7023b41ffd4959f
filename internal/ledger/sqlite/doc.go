// Package sqlite is the embedded ledger: one file, one writing process, on modernc.org/sqlite in WAL mode with synchronous=FULL, so
// that an answered commit survives the loss of power.
//
// The journal's table refuses updates and deletions by triggers. Other processes may read the file, and even write it in turn: the head
// is compared in every commit as on PostgreSQL.
package sqlite
