// Package money holds amounts, currencies and rates as the rest of Qiantang uses them.
//
// Invariants:
//   - An Amount is whole minor units of one ISO 4217 currency. No float ever touches it.
//   - Arithmetic is exact or fails: overflow and mixed currencies are errors, never a wrapped or mixed number.
//   - Wherever a result must be rounded, the caller names the Rounding.
//
// The package is pure: no clock, no I/O, no Kubernetes.
package money
