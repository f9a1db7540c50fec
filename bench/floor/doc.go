// Package floor is what Lambent is measured against: processes spawned bare, a bare zygote,
// plain servers, and containers of runc and crun, all with the same handlers.
//
// Nothing here is Lambent, and nothing isolates but runc and crun.
package floor
