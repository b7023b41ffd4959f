// Package openfx adapts any provider that speaks Open FX, the contract in api/openfx/openapi.yaml: quote, lock, payout and conversion
// over JSON, idempotent by an ID that we choose. A provider's author checks a server against it with "qiantang sim conformance".
package openfx
