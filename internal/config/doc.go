// Package config is the settings of a Lambent server: one struct, its defaults, and
// how a file, the environment and flags fill it in, in that order, the later winning.
//
// It opens and starts nothing. Settings of one function are not here: they are in the
// function's configuration and tags.
package config
