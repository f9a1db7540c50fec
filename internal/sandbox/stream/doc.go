// Package stream is how a driver on a Unix host opens streams to a command: a channel, a
// Unix socket that the command inherits, over which the host sends one end of a new
// socket pair and of a new pipe for each stream, with one byte of data.
//
// It is the mechanism only. Which command has the channel, and what to answer when there
// is none, is the driver's; what is said on a stream is the runtime's.
package stream
