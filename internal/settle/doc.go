// Package settle owns settlement windows: which window an obligation counts in, and how a closed window becomes net positions,
// instructions, answers and bookings.
//
// A window is one record of the ledger (kind "window") that walks open → closing → netted → instructed → settled or failed. Its
// state is the only thing that decides what happens next, so a settler that is killed between any two steps goes on where the
// record says. Routers ask an Assigner for the window that is open now and require it to be open in the commit that books the
// obligation; closing is a compare-and-swap of the same record.
//
// Invariants:
//   - a window settles exactly once: every step is a compare-and-swap of the record, and the settlement bookings stand in the same
//     commit as the last one, with IDs that follow from the window;
//   - net positions sum to zero per currency, and the instructions add up to them;
//   - what is instructed was fixed by the netted record: a restart, or a changed plan, does not alter it.
//
// The package decides nothing about payments, rates or routes, and knows no Kubernetes. Netting, matching and the choice of
// windows are functions of values; the clock, the ledger, the file system and the HTTP client are handed in.
package settle
