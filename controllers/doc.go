// Package controllers is the operator: it watches an institution's resources and keeps its regions, and what is said of them, true.
//
// One reconcile is for one institution (a namespace), because its resources make one configuration: compile once, deliver to each
// region what is new there, then write the status of whatever has changed. A thousand changes at once are one reconcile, and a
// reconcile that finds nothing to do writes nothing.
//
// What is decided is decided by pure functions (internal/compile, internal/render, and here programmed.go, *_status.go); this package
// fetches, calls them, and writes.
//
// Invariants:
//   - Programmed is True only because workers said so. What cannot be known is Unknown, and a status that was True stays so while
//     it is merely being asked again.
//   - A region that cannot be reached holds up no other.
//   - A corridor is let go when it is drained and no worker serves it; a region, when nothing of it is left.
//   - Secrets are read only when referred to; no cache holds their data.
package controllers
