// Command router measures what a client of the routing worker gets: POST of a payment until its durable 201, on SQLite and on
// PostgreSQL, with vegeta, the worker, the database and the simulated provider each in a process of its own, all on this machine and all of
// them on its cores. It measures single payments, a batch, and the worker's memory with 10,000 corridors.
//
// The worker is that of `qiantang worker`, with its plan out of a file instead of a cluster. The provider is the simulated Open FX,
// whose protocol signs with HMAC: with one that signs every message by RSA, what would be measured is RSA.
package main
