// Package collect removes packages that nothing uses any more: blobs and unpacked folders
// that no stored version names and no instance shows.
//
// A deletion leaves them behind on purpose. Content is shared between versions and
// functions, a running instance still shows it, and a function that is being created has
// put its package before it is stored: only a look at all of them together can tell.
//
// It knows neither how things are kept nor who uses them: shelves and users are handed in.
package collect
