// Package pool keeps the instances of functions on one host: it reuses idle ones,
// starts new ones when requests wait, and closes those that are idle too long, out of
// date, or in the way of others.
//
// It resolves no names and gives no permits (package router), and it does not know
// what an instance is made of (package instance).
//
// # The way of a request
//
//	Invoke ─▶ group of its Key ─▶ idle instance, most recently used first ─▶ Invoke
//	                     │                                                    ▲
//	                     └─▶ waits for whichever comes first ─────────────────┤
//	                           an instance that becomes free                  │
//	                           an instance that is being started              │
//	                           QueueTimeout: Lambda's 429 ────────────────────┘
//
// A start is begun where none in use is expected to be free before (see patience.go). There
// are never more starts begun than waiting requests need. A start whose request was
// served by another instance goes on, and its instance is idle for the next request;
// one that still waits for memory is called off. Where nothing could serve a request sooner
// than its own start, it gets the instance before that is initialised (see open.go).
//
// # The life of an instance
//
// One goroutine owns an instance from the start to the close (member.run). States
// change under the lock of the instance's group:
//
//	waiting for memory ─▶ launching ─▶ busy ⇄ idle ─▶ leaving ─▶ closed
//
// An idle one runs on at first, is frozen, has its memory pushed out to swap, and is
// closed, each after a time of its own; see keeping.go.
//
// # Slots
//
// An instance of a function that says so takes several requests at once. Free slots of
// busy instances are filled before anything is started, and one start is begun for as
// many waiting requests as an instance takes. An instance that a request has found wrong
// gets no other until the last one in it ends; then it is asked again.
//
// # Provisioned instances
//
// Provision names instances that are to be initialised ahead of requests. Each is a
// member like the others, with a ward: the configuration that it was started for. Its
// memory is set aside in the budget; it stands behind all others in the list of idle ones,
// from which requests take the last and evictions the first.
//
//	plan (want, granted, failure) ─▶ starts ─▶ busy ⇄ idle ─▶ replaced when it is lost
//	                  ▲                │
//	                  └── pause ◀── failed
//
// # Groups
//
// A group holds the instances of one Key. Keep tells which versions and generations
// are current. A group that is not, because it is retired or because nobody named it,
// serves the requests that it has and closes an instance as soon as no request waits
// for it. So an update or a removal fails no request, and a request that was resolved
// just before it is served all the same.
//
// # Locks
//
// Pool.evicting before Pool.mu before group.mu before memory.mu. None is held while a
// function runs or an instance starts, freezes or closes.
package pool
