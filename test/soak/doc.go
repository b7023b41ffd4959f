// Command soak makes many payments while everything misbehaves: every provider errs, loses answers and is slow, one after the other goes
// away and comes back, and the router is killed (SIGKILL) every few seconds. Then it asks what must hold:
//
//   - every payment that was asked for is on record once, in one final state;
//   - nobody was paid twice: the simulator, which ran in a process of its own all the time, is the judge;
//   - the ledger agrees with the simulator by provider and currency, to the cent, and proves itself.
//
// `make soak` makes 100,000; `make test` a thousand, in soak_test.go.
package main
