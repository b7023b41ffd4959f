// Package route chooses how a payment goes: which provider converts it and which rail pays it out. It is pure: from a payment, a
// corridor as planned, quotes, the providers' health, a reference rate and the time, to ranked routes, each with its full cost, and
// for all else the reason why not. It asks no provider, books nothing and keeps no clock.
//
// Invariants:
//   - The same input gives the same decision, in every worker: ranking is a total order, and weighted choices hang on the payment's
//     identity alone.
//   - Fee + Principal is the payment's amount, to the minor unit; Received is what the provider promised for exactly that principal,
//     or its rate applied to it.
//   - No route goes over a closed rail, past a limit, on an expired quote, or beyond the corridor's spread cap. Where that cannot be
//     judged, for want of a reference rate, there is no route.
//   - A rule that fails while it is evaluated counts against the payment: Deny denies, Exclude excludes, Prefer prefers nothing.
package route
