// Package ledgertest is the behaviour that every store must show: one conformance suite, run by each store's own tests, a tiny
// in-memory model to compare random histories with, and the fixtures that tests of the ledger share.
//
// It is imported by tests alone.
package ledgertest
