// Package blob is a content-addressed store: bytes are named by their SHA-256 and never
// change. Deployment packages live in it.
//
// It holds the interface and its errors; package file implements it in a folder. It knows
// nothing of zips, functions or who uses a blob: that is for packages code and store.
package blob
