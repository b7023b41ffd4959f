// Package fleet is how the operator reaches its regions. One Fleet owns every connection: it connects, probes, backs off and
// reconnects, applies and prunes objects, and follows the workers' Leases, run reports and everything that was applied, so that
// whoever must act is woken by events and nobody polls.
//
// It does not decide what is applied (internal/render does) nor what a region's state means (controllers does).
//
// Invariants:
//   - A region that cannot be reached delays no other: calls to it fail at once with ErrNotConnected.
//   - An apply that would change nothing sends nothing: what was applied is remembered until an event says that it was changed.
//   - Only what carries our labels for the region is ever deleted.
//   - Caches hold metadata, Leases, Jobs and run reports; never a Secret's data, never managedFields.
//   - A kubeconfig may not run commands or read files here.
package fleet
