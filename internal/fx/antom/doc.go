// Package antom adapts Antom and Alipay+ (Ant International): inquireRate, createQuote, createExchange and createPayout, with
// requests signed and the signature of every answer checked.
//
// A rate is inquired for many payments and quoted (locked) for one. Result status U means unknown: it is inquired, never paid again.
//
// What is our assumption (the inquiry of a payout, where the quote goes, error codes) is listed in docs/providers.md.
package antom
