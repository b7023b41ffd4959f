// Package schema knows which XML documents the official ISO 20022 schemas allow: element order, occurrence, choices and simple
// types of the messages that Qiantang reads and writes.
//
// The knowledge lies in grammar.txt, one line a type, distilled from the official XSD files by the command in gen. Everything is
// immutable after the first use. The package reads no XML; package codec does, guided by it.
package schema
