// Package isomsg is between ISO 20022 messages and payments: it takes messages out of their envelopes and puts them in, reads a
// payment's parts from transfers, and writes the messages that a payment stands for.
//
// It is pure: values in, values out. It books nothing, looks nothing up, and knows no HTTP; who may send what, and what becomes of it,
// is internal/router's to decide. What it writes under CBPR+ is checked by internal/iso20022/cbpr before it is given out.
package isomsg
