// Package landlock restricts where a thread and its children can write, see
// landlock(7). Reading is not restricted: the mount namespace does that.
//
// It uses the standard library and x/sys only: lambent-init is built on it.
package landlock
