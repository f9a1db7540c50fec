// Package cleanup is an undo stack for constructors with several steps, and the
// context in which undoing runs.
//
// It is not a place for shutdown of whole programs: that is package daemon's.
package cleanup
