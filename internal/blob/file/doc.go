// Package file keeps blobs as files: blobs/ab/cd/abcd…, written under tmp/ first,
// synced, renamed, and the folder synced (rename(2), fsync(2)): at every moment
// a blob is there whole or not at all.
//
// What a crash leaves under tmp/ is swept at the next Open. Writers hold a lock on
// their temporary file, so that a second process on the same folder (an upgrade
// overlaps) sweeps only what nobody writes any more.
package file
