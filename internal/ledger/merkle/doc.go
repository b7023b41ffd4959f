// Package merkle is the ledger's Merkle log: RFC 6962 hashing (by transparency-dev/merkle) of leaves as they are appended, the
// frontier that lets the log grow without reading it again, inclusion proofs, and checkpoints as signed notes.
//
// It does not read or write a store. Nodes from NodeLevel upwards are handed out to be kept, so that a proof needs one block of leaves
// and a few kept nodes, never the whole log.
package merkle
