// Package client is a typed Go client of a routing worker's HTTP API, and the types that the API is made of: the worker serves these
// same types, so that neither can drift from the other.
//
// Every write carries an Idempotency-Key. Sending it again with the same body gives the same answer, for ever; so a Client may
// retry whenever it did not see an answer, and does, up to its Retries. Refusals come as *Problem (RFC 9457).
//
// The package imports nothing but the standard library and knows nothing of the engine.
package client
