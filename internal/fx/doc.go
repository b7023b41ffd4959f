// Package fx is how the workers ask providers for rates, and have them convert and pay out. Each adapter is one folder; internal/fx
// itself holds what they share: the Provider contract, the guard (deadline, circuit breaker, rate limit, bulkhead, hedging) and the
// reference rates.
//
// Invariants:
//   - A quote's expiry is bounded by the caller's, whatever the provider says.
//   - Pay is called at most once for an instruction whose outcome is not known to be "never received"; Query finds the outcome.
//   - Credentials appear in no error, log or metric.
package fx
