// Package command runs other programs to their end: its output goes to a log file or is returned, its failure carries
// what it said last, and it is stopped with everything that it started when the context ends.
//
// It does not start what is meant to outlive the tool; package engine does.
package command
