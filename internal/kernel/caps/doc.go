// Package caps takes capabilities away, see capabilities(7). It gives none.
//
// It uses the standard library and x/sys only: lambent-init is built on it.
package caps
