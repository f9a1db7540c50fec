// Package runtimes maps Lambda's runtime identifiers to what the host has and to
// the bootstrap that speaks to it.
//
// It starts no function: package instance runs what the catalogue describes. An
// interpreter that was found is run once, to see that it works: Python with a program
// of this package, Node to say its version.
//
// Lambent runs what the host has, whatever AWS has deprecated: python3.6 to python3.14
// as found below /usr, in pyenv's folder or below /opt; nodejs14.x to nodejs26.x as
// found below /usr, in nvm's folder or below /opt. AWS's SDK, which is in AWS's Node
// runtimes, is not in these: a function brings it.
package runtimes
