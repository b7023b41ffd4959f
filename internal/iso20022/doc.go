// Package iso20022 reads and writes ISO 20022 messages at the versions that CBPR+ uses.
//
// One struct a message says what Qiantang takes from it and writes into it; the iso tags are the elements' places. Reading is
// strict and checks the whole document against the official schema's grammar, also what no struct has a place for (Info.Unread
// lists that). Writing gives only documents that the schema allows: anything else is an error with the path to the element.
// Money is a money.Amount from the first byte to the last; identifiers, codes and dates stay the text that they are, checked.
//
// The packages below: schema knows the grammar, codec is the way between document and struct, cbpr holds the rules of CBPR+ that a
// schema cannot say, camt053 streams statements.
//
// The package moves no money and knows nothing about corridors, ledgers or clearing systems.
package iso20022
