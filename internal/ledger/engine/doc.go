// Package engine is what both stores have in common: it plans bookings against the books' state, groups concurrent callers into one
// batch and one commit, and finds out what became of a commit that was cut off. A store only moves rows.
//
// How it stays correct and fast:
//   - Every batch moves the one row of the head, by comparison with the head that it was planned on. Batches are therefore serial
//     across all processes at any isolation level; callers are not, because a batch holds many of them.
//   - While the head is the one that this process wrote, its copy of balances, reserves and record versions is exact, so that a batch
//     is planned in memory and written in one round trip. When another process has moved the head, the journal's tail brings the copy
//     up to date.
//   - Balances are a projection of the journal. A few are written with each batch, the longest unwritten first; head.Flushed says up to
//     which entry the balance rows count everything, and whoever starts reads the journal from there.
//   - Whether an ID is new is left to the stores' unique keys; only when one objects is the batch planned again after looking them up.
//
// It does not speak SQL, and it never sleeps while it holds the head.
package engine
