// Package storetest is the suite that every back end of package store passes.
//
// A back end's own test gives it a way to open the same place several times, and adds
// only what is particular to that back end.
package storetest
