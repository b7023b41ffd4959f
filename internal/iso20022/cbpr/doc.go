// Package cbpr checks what CBPR+ (cross-border payments and reporting plus) asks of messages beyond their schema, as of the 2025 and
// 2026 releases: identification by UETR and BIC, structured or hybrid addresses, charges, remittance, characters, and that the
// business application header says the same as the message.
//
// A check lists every breach with the path of the element, never only the first. It changes nothing and reads no clock.
package cbpr
