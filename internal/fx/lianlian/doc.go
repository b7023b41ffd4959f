// Package lianlian adapts LianLian Global: rate, payout, exchange and trade file, with requests signed by LLPAY-Signature and
// webhooks verified by theirs.
//
// A payment is one payout that converts at a locked rate. Webhooks are unordered and repeated: they say that something changed, and
// the outcome is queried; their content is never booked.
//
// What is our assumption (the validity of a rateId, error codes, query by our own ID) is listed in docs/providers.md.
package lianlian
