// Package plan is what the control plane hands to the workers: one Region per institution and region, everything resolved and
// defaulted, with a content hash as its revision. It is the only vocabulary that both sides share.
//
// The types are plain data, free of Kubernetes and of the engine, so that either side can change without the other. Decoding is
// strict: a worker refuses a plan with fields that it does not know, and goes on serving the last good one.
package plan
