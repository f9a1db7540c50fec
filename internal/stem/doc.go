// Package stem keeps generic sandboxes ready. A stem is a sandbox that was created
// before anybody asked for it; who takes it binds it to a function, for ever. Nothing
// comes back: no stem ever carries anything of an earlier function.
//
// It does not know functions, and does not bind: that is package instance's.
//
// # Beds
//
// A bed keeps the stems of one tier and base. One goroutine fills it and ends with
// Close. How many it keeps follows from what was taken: think of a bucket that every
// take raises by one, and that drains as fast as stems are made. Its highest level
// lately is how many takes would have met an empty bed with none ready; that many are
// kept, between a floor and a ceiling (Settings). It is the token bucket of traffic
// shaping, read backwards (Turner, "New directions in communications", 1986).
//
// Beside them it keeps bare boxes, in beds of their own: sandboxes in which no interpreter
// waits, which any base can be made of that is isolated in the same way (sandbox.Fitter).
// They are for starts that find no stem, and cost a fraction of one; what was taken of them
// says how many there are.
//
// # Memory
//
// All beds together hold at most Settings.Memory, by what their stems use. A bed that
// needs more takes it from the bed that was used least recently.
//
// # Not in the way
//
// A bed makes nothing while a request waits for a start: it begins when no sandbox was
// taken for a moment, and makes one at a time, in the sandbox's lowest share of CPU
// (sandbox.Background). One that would do something while it waits rests (sandbox.Rester).
package stem
