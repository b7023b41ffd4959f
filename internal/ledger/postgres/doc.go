// Package postgres is the ledger on PostgreSQL 15 and later, and on what speaks its protocol: many processes may write to one database.
//
// A batch is one pipelined round trip: BEGIN, the head moved by comparison, one INSERT per table over arrays, COMMIT. What must not be
// guessed is asked for: after a lost connection the batch's number tells whether it was committed. There are no advisory locks, no
// LISTEN/NOTIFY and no extensions; 40001 is retried.
//
// The schema is brought up by Migrate as the owner; the application's role may insert into and select from the journal, and never
// update or delete it.
package postgres
