// Package fxtest is the conformance suite that every adapter passes against the simulator of its provider: the whole way from quote to
// outcome, and everything that can go wrong on it, each caused and classified.
package fxtest
