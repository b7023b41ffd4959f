// Package machine finds out what the machine is like that the tool runs on (rights, cgroups, networks in use) and
// installs the Debian packages that it lacks. Deciding what follows from it is left to others.
//
// Reading is separated from understanding: the functions that interpret /proc take text, so that other machines can be
// tested on this one.
package machine
