// Package statement makes an account's statement as camt.053.001.08: its balances, and every entry that moved money, streamed in bounded
// memory. Reserves move nothing and are left out, as are their ends without a posting.
//
// Sides are the books' own: what credits the account is a credit entry, and an account whose debits outweigh its credits has a debit
// balance, whatever its type.
package statement
