// Package image makes what guests of the tier microvm boot from, and says where it lies: a
// kernel with the modules that it needs, a file system in memory with lambent-agent in it
// (initramfs), the base as a read-only file system (EROFS), and functions' folders as such.
//
// The kernel is Debian's for clouds, taken from the archive by apt, which checks its signature;
// the base is made of packages that are installed on this host. Images are the same whenever
// they are made of the same, and are cached by that.
//
// It runs no guest: that is package microvm's.
package image
