// Package wire carries a conversation of packets and many streams over one connection of
// bytes, as a serial port of a guest or a vsock connection is. The host and lambent-agent in a
// guest are its two ends; the guest opens streams, by tickets that the host told it.
//
//	kind 1 byte │ stream 4 bytes │ length 4 bytes │ so many bytes         numbers big-endian
//
//	packet  one packet of the conversation; stream is 0
//	open    a new stream, whose ticket follows (8 bytes)
//	data    at most MaxData bytes of a stream
//	credit  so many bytes more may be sent (4 bytes); a stream begins with Window
//	end     no more data follows
//	gone    the sender neither sends nor reads any more; what comes for the stream is dropped
//
// Who sends more than the other allowed, or anything that does not stand here, ends the
// connection: neither end trusts the other. Numbers of streams are not used again.
//
// Nothing of a connection is kept between frames but its open streams, so a guest that has
// none can be copied (a snapshot), and each copy goes on with a new host.
//
// It uses the standard library only: lambent-agent is built on it.
package wire
