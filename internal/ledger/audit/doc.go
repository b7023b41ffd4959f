// Package audit proves the books from the journal: it reads every entry once, hashes it into the Merkle log again, adds up every balance
// and window position, and names whatever does not agree. It signs checkpoints, and makes and checks proofs that one entry is in the log.
//
// It changes nothing but the table of checkpoints, and may run beside bookings: it audits the books as they stood when it began.
package audit
