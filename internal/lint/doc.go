// Package lint holds the rules of style that a test can hold: which package may import
// which, that every package says what it is for, calls that are forbidden and why.
//
// It has tests only and nothing imports it.
package lint
