// Package kind makes, finds, loads and removes kind clusters with the kind program, and writes for each a kubeconfig
// for this machine and one for pods of the clusters beside it.
//
// Invariants: a cluster that the record does not call ours is never removed; a cluster is recorded before it is made.
package kind
