// Package bench measures ledgers: two-phase transfers by so many callers over so many accounts, beside what the same machine does
// without a ledger (pgbench, COPY, bare prepared inserts). It prints what it measured and asserts nothing.
package bench
