// Package sandbox is the contract between Lambent and the drivers that isolate
// functions. It holds words and interfaces only; drivers are the folders below it
// and never import each other. Package instance is the only user.
//
// # Words
//
// A driver makes sandboxes of one tier. A base is all that is fixed before the
// function is known; a template is a base made ready once, from which sandboxes
// are made often. A sandbox starts generic: no code, environment or secret of a
// function is in it. Binding a workload makes it one function's, for ever.
//
// # Life
//
//	Driver ─Prepare(base)─▶ Template ─Create─▶ Sandbox: generic
//	                                             │ Bind(workload), once
//	                                             ▼
//	                                           bound ─Run─▶ Process …
//	                                             │   ▲        │
//	                                             │   └─Reset──┘
//	                                             ▼ Close, or the box dies
//	                                           closed: Done is closed, Err says why
//
// Everything that can be done before a request belongs to Create; only what
// depends on the function to Bind. While a request waits no process is moved
// between cgroups, no network namespace is created and nothing is compiled.
//
// # Rules for every driver
//
//   - On an error nothing is left on the host: no process, mount, cgroup,
//     namespace, descriptor or file.
//   - Isolation is never weakened. What a host cannot give makes Probe fail with an
//     error that wraps ErrUnavailable and says what is missing and how to get it.
//   - Bind a second time: ErrBound. Run, Open, Reset, SetClass or SetTurn before Bind: ErrNotBound.
//     What Bind shows must be there when a command runs; a driver may find only then
//     that it could not be shown: the box has ended then, and Run's error wraps ErrClosed.
//     Anything but Close, Done and Err after Close or after the box died:
//     an error that wraps ErrClosed. Close again: nil.
//   - Listen and Dial work from Create on; Usage too.
//   - Methods may be called from many goroutines. Close may be called while
//     others run: they return an error that wraps ErrClosed.
//   - A context bounds the call and is not kept. When it ends early the call
//     returns its cause; a Create, Bind or Run that was cut short leaves nothing
//     that runs.
//   - Descriptors 0, 1, 2 and the stream channel, or the stream in its place, are all
//     that a command inherits.
//
// # Reset
//
// Reset ends every process that Run started and all that came from them, also what
// detached itself, and keeps the box: mounts and the content of /tmp stay, Run works
// again. Streams of the ended processes are closed. This is what a timeout or a
// crash does (AWS Lambda Developer Guide, "Lambda execution environment lifecycle").
//
// # Streams
//
// A command run with Stream set finds the environment variable LAMBENT_STREAM. Its
// value "fd:N" says that descriptor N is a Unix sequential-packet socket over which
// one descriptor of a stream socket arrives (SCM_RIGHTS, with one byte of data) for
// every Open, or two: a stream socket, and a pipe in whose place nothing is read from the
// socket. Open returns the host's end of that stream. It need not wait until the
// command looks: a stream that was opened early is found later. Open speaks to the
// most recent command that was run with Stream.
//
// A command that cannot receive descriptors is run with Direct, too. Its variable is
// "socket:N": descriptor N is the one stream itself, a Unix stream socket. The first
// Open returns the host's end, and any other fails.
//
// # Two uses
//
// A cold start: Create, Bind, Run with Stream, Open, speak; Close.
//
// A timeout: Reset, Run, Open again: /tmp is as it was, the process is fresh.
package sandbox
