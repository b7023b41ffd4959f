// Package router is the routing worker: it takes payments in by HTTP/JSON, CSV and ISO 20022, prices and books them, has a provider
// pay them out, and follows each to its one final state. Conversions between accounts of one owner are payments to oneself.
//
// A payment is a record in the ledger, changed in the same commit as the bookings that belong to the change, at a version that nobody
// else has changed. Its life is the table in states.go; the code moves a payment along that table only, the tests walk it, and
// docs/payments.md shows it.
//
// Invariants:
//   - A 201 was durable before it was sent. The same idempotency key and body get the same answer, for ever.
//   - An instruction has one ID, kept before it is sent. Once it may have reached a provider, only that provider's word on that ID
//     ends it: it is queried, or sent again under the same ID where the provider never had it; no other route is tried meanwhile.
//   - A payment under way belongs to the replica that holds its lease (the record's Due); when that runs out, any replica takes it
//     over by changing the record, or fails to, and then leaves it alone.
//   - What is in memory is bounded: beyond that, requests are told to come again.
//
// It does not net or settle (internal/settle), decide on routes (internal/route), or know providers' wire formats (internal/fx). It
// does not authenticate callers: internal/access stands before it.
package router
