// Package image makes container images from files of this machine: no registry, no daemon, no Dockerfile. The same
// files give the same image, byte for byte: owners, times and order are fixed.
//
// It also fetches an image from a registry, for a Docker that cannot.
package image
