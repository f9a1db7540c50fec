// Package store is what lasts of functions: their configuration, published
// versions, tags and concurrency, and the epoch of the daemon.
//
// It holds the interface, its errors and the records that are written; a folder
// per back end implements it, and storetest is the one suite that every back end
// passes. It is not on the path of an invoke, which reads an index in memory, and
// keeps neither code (package blob) nor logs (package logs). Values are kept as
// they are given, but for the environment of functions, which is sealed.
package store
