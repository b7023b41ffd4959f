// Package reader is the reading side that both stores share: accounts, balances, entries, records and the trial balance, over
// database/sql and what little SQL dialect the stores differ in.
//
// It never writes and holds nothing between calls. A balance is the account's balance row plus the journal entries that the row does not
// count yet, read in one statement, so that it is exact at one point of the journal whatever is being booked meanwhile.
package reader
