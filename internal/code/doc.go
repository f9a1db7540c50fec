// Package code keeps deployment packages on disk: it checks and unpacks zips, once per
// content, into read-only folders that sandboxes mount.
//
// It does not store the zips themselves: that is package blob's.
package code
