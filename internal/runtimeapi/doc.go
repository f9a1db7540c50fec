// Package runtimeapi is how a runtime and its instance talk: one state machine and
// two codecs. Package instance drives it; it starts no process and knows no
// sandbox.
//
// # The HTTP codec
//
// AWS's Runtime API (version 2018-06-01), for everybody's clients. Source: AWS Lambda
// Developer Guide, "Using the Lambda runtime API for custom runtimes".
//
// # The framed codec
//
// A stream for Lambent's own bootstraps, one per request slot, because a second HTTP
// hop costs more than the rest of the path. One invocation at a time is on a stream, so
// frames carry no request id. A frame is a header of 8 bytes and a payload:
//
//	byte 0     type
//	byte 1     flags: 0x01 More (another Response frame follows),
//	           0x02 Last (of an Error: the runtime ends, no other event may come)
//	bytes 2-3  zero
//	bytes 4-7  length of the payload, unsigned, big endian
//
//	type        direction   payload
//	0x01 Invoke to runtime  u32 big endian: length of meta; meta, JSON; the event
//	0x81 Ready  to Lambent  empty: initialisation is done, work may come
//	0x82 InitError          JSON: errorType, errorMessage, stackTrace, requestId
//	0x83 Response           bytes of the answer
//	0x84 Error              JSON, as InitError: the handler failed
//	0x85 Begun              empty: the interpreter is up, the function's init begins
//
// Meta holds id, deadlineMs (Unix epoch), arn, and where there is one traceId,
// clientContext (the JSON value), identity and tenantId.
//
// A runtime sends Begun once, then Ready or InitError once, then one answer per Invoke:
// Response frames of which only the last lacks More, or one Error. A closed stream
// tells the runtime to exit.
package runtimeapi
