// Package worker puts the engine together: a ledger, and on it a router, a settler or both, behind one HTTP server. `qiantang worker`
// runs it in a pod, driven by internal/agent; `qiantang up` runs it in one process, driven by files. It is the same code in both.
//
// Invariants:
//   - A plan is switched to by all roles or by none: a plan that one role refuses is refused whole and the last one stays served.
//   - Ready means that payments can be taken: the ledger books and a plan is served.
package worker
