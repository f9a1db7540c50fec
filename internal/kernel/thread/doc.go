// Package thread runs work on an operating system's thread of its own, because namespaces
// belong to threads on Linux. What it does there is the caller's.
package thread
