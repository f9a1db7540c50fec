// Package neighbour remembers who used the CPUs of this host lately, so that a request
// that had to wait for one can be told beside whom.
//
// It knows what the daemon itself runs, an instance at a time; other programs of the host
// are not in it. It measures nothing: instances bring their figures. Beginning and ending
// a span touches only the instance's own memory: the warm path shares no lock. A question
// walks over all instances and is for the few slow requests, after their answers.
package neighbour
