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
// Streams for Lambent's own bootstraps, because a second HTTP hop costs more than the
// rest of the path. A frame is a header of 8 bytes and a payload:
//
//	byte 0     type
//	byte 1     flags: 0x01 More (another Response frame follows),
//	           0x02 Last (of an Error: the runtime ends, no other event may come)
//	bytes 2-3  slot, unsigned, big endian
//	bytes 4-7  length of the payload, unsigned, big endian
//
//	type        direction   payload
//	0x01 Invoke to runtime  u32 big endian: length of meta; meta, JSON; the event
//	0x02 Restore            empty: the first invocation of an initialised runtime is about to come
//	0x81 Ready  to Lambent  empty, or u32 big endian: initialisation is done, work may
//	                        come; how long it took, in microseconds
//	0x82 InitError          JSON: errorType, errorMessage, stackTrace, requestId
//	0x83 Response           bytes of the answer
//	0x84 Error              JSON, as InitError: the handler failed
//	0x85 Begun              empty: the interpreter is up, the function's init begins. One that
//	                        waited for its function leaves it out: Ready says enough
//	0x86 Restored           u32 big endian: the hooks after a restore have run; how long they
//	                        took, in microseconds
//	0x87 RestoreError       JSON, as InitError: one of them failed, the runtime ends
//
// Meta holds id, deadlineMs (Unix epoch), arn, and where there is one traceId,
// clientContext (the JSON value), identity and tenantId. In the place of deadlineMs a first
// Invoke may have timeoutMs: its deadline is so long after the end of the initialisation.
//
// A runtime sends Begun once, then Ready or InitError once, then one answer per Invoke:
// Response frames of which only the last lacks More, or one Error. A closed stream
// tells the runtime to exit.
//
// The first Invoke may be on the stream before the runtime is Ready: it is written right after
// the workload, so that a runtime that has initialised itself finds it and waits for nobody.
// Ready is sent all the same, and before the event is looked at: it divides the time of the
// initialisation from the handler's, the limits of both, and the log.
//
// A runtime whose AWS_LAMBDA_INITIALIZATION_TYPE is snap-start gets Restore once, between
// Ready and the first Invoke, and answers it.
//
// # Many invocations at once
//
// A shared session has several turns under way, and answers come in any order. Over
// HTTP a runtime asks for the next invocation as often as it can take one; answers name
// theirs. Frames name the slot that they are of: a runtime of one event loop has one
// stream with many slots, whose frames may be mixed; one of many processes has a stream
// for each, with slot 0 alone. Without a shared session all is slot 0.
//
// A stream of a shared session that ends takes what was on it with it (ErrWorkerLost),
// and nothing else. Last ends the session, and all that it has: the process is going.
package runtimeapi
