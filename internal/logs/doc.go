// Package logs keeps what functions write: lines, in append-only segments per function,
// with retention and a rate limit.
//
// A Writer never waits for the disk: lines go into a bounded queue in memory and one
// goroutine, owned by the Store, writes them to files. What does not fit, or exceeds a
// function's rate, is dropped, and a record in its log says how much. Lines are bytes:
// NUL, terminal escapes and invalid UTF-8 are kept as they are, and escaping is the
// business of whoever shows them.
//
// Files: account/region/function/NUMBER.log. A segment is a magic number and then
// records, each framed by its length and CRC-32C. What was written to a file survives
// the death of the process, what Sync has returned for also a power cut. A record cut
// in the middle is cut off when its segment is opened for writing again; damage inside
// a segment hides the rest of that segment and nothing else.
//
// It knows nothing of log formats (START, REPORT, JSON): its users write those.
package logs
