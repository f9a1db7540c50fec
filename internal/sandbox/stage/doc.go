// Package stage is a thread with a mount namespace and an empty network of its own, on which a
// driver mounts what its boxes see and starts their programs: the host sees no mount of it, and
// nothing is left mounted when the daemon is killed. Beside it stand what entering a control
// group on a thread takes, and the folders in which something may be mounted.
package stage
