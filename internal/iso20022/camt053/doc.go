// Package camt053 writes account statements, camt.053.001.08, entry by entry: a million entries need no more memory than one.
//
// The message has its balances before its entries, so they are given first; Close returns an error unless the entries lead from the
// opening to the closing balance, and then the document must not be used. The package reads no ledger and makes no balances.
package camt053
