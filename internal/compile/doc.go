// Package compile turns a snapshot of an institution's resources into one plan per region, and a verdict on every resource.
//
// It is pure: the same snapshot gives the same result, byte for byte, whatever order the resources come in. The operator,
// `qiantang validate`, `qiantang plan` and `qiantang up` all call the same Compile.
//
// Invariants:
//   - A plan is consistent in itself: every name in a corridor is in the plan, and currencies match.
//   - An invalid resource is left out with a reason. What workers already serve of it stays, as it was (Snapshot.Last).
//   - A corridor that leaves a region leaves it draining, until the resource says that it is drained.
//   - Credentials are never read: a snapshot knows only which keys a Secret has.
//
// It does not look at clusters, and does not know what workers acknowledged.
package compile
