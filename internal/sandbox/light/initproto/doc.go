// Package initproto is the conversation between the light driver and lambent-init.
//
// It runs over a Unix sequential-packet socket, which is the init's descriptor 3. Each
// packet is one JSON document, with descriptors beside it (SCM_RIGHTS) where the
// table says so. The driver asks, the init answers each request once, in order; it
// sends Exit by itself.
//
//	driver             descriptors        init
//	Setup ─── the mount of /tmp ─────────▶ finishes the box
//	Attach ── one per target, mounts ────▶ attaches them: of the base, where Setup had none
//	Bind ──── one per target, mounts ────▶ attaches them, drops its rights
//	Run ─ stdout, stderr [, stream [, start]] ▶ starts a command
//	Signal ──────────────────────────────▶ signals a command
//	Reset ───────────────────────────────▶ kills all but itself, waits for the last
//	      ◀─────────────────────── Reply   to the request with the same Seq
//	      ◀──────────────────────── Exit   a command ended
//
// The end of the socket means that the daemon is gone: the init exits, and with it
// everything in its pid namespace.
//
// It uses the standard library and x/sys only: lambent-init is built on it.
package initproto
