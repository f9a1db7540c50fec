// Package drivers is the list of drivers, one visible function that puts them together,
// and the templates made from them.
//
// It is the only package that knows all drivers; it isolates nothing itself.
package drivers
