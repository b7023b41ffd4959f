// Package build makes the programs that a cluster consists of, and those that the tool uses, from Go modules alone: no
// release is downloaded. Every program is static (CGO_ENABLED=0), so that an image may hold it and nothing else.
//
// It builds what is not yet in the cache and returns where it lies; a version is part of the path, so raising one
// rebuilds that component alone.
package build
