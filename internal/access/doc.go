// Package access decides who may use a worker's HTTP API: it authenticates the caller by a bearer token (a Kubernetes ServiceAccount's or
// an OpenID Connect issuer's), finds the client that the plan names for it, and checks that client's scopes and rate.
//
// It knows no Kubernetes: whoever runs the worker hands in a TokenReviewer. It does not say which accounts a client may use: scopes are
// for kinds of operations.
//
// Invariants:
//   - Before a policy is in use nothing is let in; under a policy with authentication nothing but listed clients is.
//   - A subject counts only together with the method that showed it: two issuers cannot speak for each other.
//   - Every operation has a scope, or the worker does not start.
//   - What is remembered of tokens is bounded in number and time, and holds their hashes only.
//   - Where it cannot be told whether a token is good, the answer is 503, never yes.
package access
