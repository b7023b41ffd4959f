// Package judge keeps what the simulated providers really did: each instruction by our ID, with its amounts and what became of it. It is
// the judge over the workers: whatever they believe, a payment paid twice is found here.
//
// Invariants: an ID is taken once per provider and kind; a record's amounts never change; a record's outcome changes once, from
// processing to what it was fated to become.
package judge
