// Package cache says where everything lives that the cluster tool makes: built programs, the node's root filesystem,
// Docker's data, and the record of what runs. All of it is outside the checkout, under one folder.
//
// Invariants: a file under a final name is complete (it was written elsewhere in the same folder and renamed), and a
// versioned folder holds only what that version made, so that an interrupted run is resumed by running it again.
package cache
