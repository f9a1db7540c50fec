// Package netns makes network namespaces with a loopback interface and runs code
// inside them.
//
// It does no routing, no addresses but those given, and keeps no names in /run.
package netns
