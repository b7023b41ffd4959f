// Package nodeimage provides the image that kind's nodes are made from: one that was asked for, kind's stock image
// where that runs and can be had, or one that is built here from Go modules and Debian packages by kind's own
// `kind build node-image`.
package nodeimage
