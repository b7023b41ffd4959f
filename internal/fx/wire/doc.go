// Package wire sends an adapter's HTTP requests and classifies what went wrong, once, for all adapters.
//
// Invariants:
//   - A request that moves money and may have left this machine is never called anything but uncertain, unless the provider itself
//     said in its own words that it refused.
//   - Answers are read up to a bound. Redirects are not followed: a signed request is for one address.
//   - No credential appears in an error, also where the provider sends it back.
package wire
