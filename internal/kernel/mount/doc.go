// Package mount wraps the mount calls that work on descriptors (open_tree(2),
// move_mount(2), mount_setattr(2), fsopen(2)), so that a mount can be made in one
// mount namespace and attached in another.
//
// It knows nothing of sandboxes and keeps no table of mounts.
package mount
