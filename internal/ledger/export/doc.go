// Package export writes the books as CSV files that spreadsheets and databases read, and reads them back into an empty store of either
// kind: that is how an embedded ledger moves to PostgreSQL. What was imported has the same numbers, IDs, booking times and Merkle roots,
// so signed checkpoints stay valid; Import fails where the roots differ.
//
// A folder holds accounts.csv, journal.csv, records.csv, checkpoints.csv and manifest.json. Amounts are decimals, times RFC 3339 in UTC.
package export
