// Package codec reads and writes ISO 20022 documents: Go structs on one side, the grammar of package schema on the other.
//
// A struct's fields say with an iso tag where they stand ("PmtId>UETR"); the grammar says in which order, how often and with what
// text. Reading is one pass over the document, strict, and without a tree: every element that the grammar does not have, or has
// elsewhere, or fewer times, is an error with the path to it. Elements that are valid and that the struct has no field for are
// checked all the same, and listed in Info.Unread. Writing checks what it writes against the same grammar.
//
// Of XML it takes what ISO 20022 messages need and refuses the rest: UTF-8 only, no DTD, no entities but the five of XML, no
// attributes but Ccy, namespaces and schema locations. Time and memory are linear in the document, whose size is bounded.
package codec
