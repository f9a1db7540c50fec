// Package code keeps deployment packages on disk: it checks and unpacks zips, once per
// content, into read-only folders that sandboxes mount.
//
// It does not store the zips themselves: that is package blob's.
//
// A package is hostile: it is checked whole before anything is written, and written
// through os.Root into a fresh folder. What reaches the disk is files (0644, or 0755
// where the zip marks them executable), folders (0755) and symbolic links that stay
// inside; owners, set-id bits and everything else that a zip may carry are dropped,
// as AWS shows /var/task: root's, and readable by the function whatever the zip says.
//
// An unpacked package never changes. What others make of it, ahead of its use, are
// variants: copies of hard links beside it.
package code
