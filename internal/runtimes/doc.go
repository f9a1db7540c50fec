// Package runtimes maps Lambda's runtime identifiers to what the host has and to
// the bootstrap that speaks to it.
//
// It starts no function: package instance runs what the catalogue describes. An
// interpreter that was found is run once, with a program of this package, to see
// that it works.
//
// Lambent runs what the host has, whatever AWS has deprecated: python3.6 to python3.14
// as found below /usr, in pyenv's folder or below /opt.
package runtimes
