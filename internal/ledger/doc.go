// Package ledger is the books' vocabulary: accounts, transfers, records, the Commit that changes them together, typed errors, the
// checks that need no store, and the canonical bytes of an entry that the Merkle log hashes.
//
// It does not store anything: engine plans and groups commits, sqlite and postgres write them, open chooses between the two.
//
// Invariants:
//   - One Transfer is both sides of a booking (from Debit to Credit, one amount), so every booking sums to zero by its shape.
//   - Entries are never changed or deleted; their Seq is gapless and their booking time rises along it.
//   - The canonical encoding of an entry names every field of it; two different entries never encode alike.
package ledger
