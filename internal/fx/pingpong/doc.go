// Package pingpong adapts PingPong's open API: rate, exchange and account as published; payout as an order of its partner API.
//
// A payment is two orders under one ID of ours: the exchange, and the payout that it funds. Both are idempotent by that ID, so that
// finding the outcome may send the payout again where only the exchange was taken: it can be taken once.
//
// What PingPong has not published (the signature, the payout order's fields, most codes' meaning) is our assumption, listed in
// docs/providers.md; every path is a parameter.
package pingpong
