// Package output carries what a command writes to its pipes to a Writer, and can say when all
// that was written before a moment has arrived, which Process.Sync promises. It is for drivers
// whose commands write into pipes of the host; where those come from is the driver's.
package output
