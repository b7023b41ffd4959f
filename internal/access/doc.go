// Package access decides who may use a worker's HTTP API: it authenticates the caller by a bearer token (a Kubernetes ServiceAccount's or
// an OpenID Connect issuer's) or by the certificate that it connects with, finds the client that the plan names for it, and checks that
// client's scopes and rate. It also holds the key pair that the API is served with.
//
// It knows no Kubernetes: whoever runs the worker hands in a TokenReviewer. It does not say which accounts a client may use: scopes are
// for kinds of operations.
//
// Invariants:
//   - Before a policy is in use nothing is let in; under a policy with authentication nothing but listed clients is.
//   - A subject counts only together with the method that showed it: two issuers cannot speak for each other.
//   - Every operation has a scope, or the worker does not start.
//   - Key pair, authorities and clients change together, with the policy; a policy that cannot be made leaves the last one in use.
//   - Where the policy wants TLS, nothing but that is answered by plain HTTP.
//   - What is remembered of tokens and certificates is bounded in number and time, and holds their hashes only.
//   - Where it cannot be told whether a token is good, the answer is 503, never yes.
package access
