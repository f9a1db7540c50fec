// Package hostroot builds the root file system that is made of the host's own programs:
// its /usr and friends and a few files of its /etc, read-only, with what must not tell of
// the host replaced. It is what a function of any isolating tier sees of the host.
//
// It fills a folder in the mount namespace of the calling thread. Devices, /proc, and
// entering the root are the drivers'.
package hostroot
