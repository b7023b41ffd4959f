// Package record keeps what the tool has started, so that `cluster down` removes that and nothing else.
//
// Invariants: something is recorded before it is made, so that an interrupted run leaves nothing that the record does
// not know; it leaves the record after it is gone. The record is replaced in one step.
package record
