// Package runtimes maps Lambda's runtime identifiers to what the host has and to
// the bootstrap that speaks to it.
//
// It starts nothing: package instance runs what the catalogue describes.
package runtimes
