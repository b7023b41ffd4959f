// Package rootfs makes the root filesystem of a node: Debian, what kind lays over it, and the programs of package
// build; and small sets of its files, with the libraries they load, for the images that need a few of Debian's tools.
//
// It needs root (debootstrap, chroot) and runs nothing of the new system but systemctl.
package rootfs
