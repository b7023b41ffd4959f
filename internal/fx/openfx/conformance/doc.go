// Package conformance checks a provider's Open FX server from outside, as its author would: every rule of api/openfx/openapi.yaml that can
// be seen over HTTP, one check each. It pays small amounts: run it against a sandbox.
package conformance
