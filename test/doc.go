// Package test plays scripts over the real binary: a comment, a command, what it prints and
// how it ends. The scripts are in testdata/script.
package test
