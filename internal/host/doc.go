// Package host looks at what of a machine all isolations share: settings of the kernel and
// limits that make functions slow, or few, without making any isolation unavailable.
//
// It reads /proc and /sys and writes one file to time the disk. It changes nothing, and what
// a driver needs is the driver's to probe.
package host
