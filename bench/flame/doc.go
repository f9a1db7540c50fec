// Command flame draws what `perf script -F comm,ip,sym,dso` prints as a flame graph: a box for
// each function, as wide as it was seen in samples, above who called it. The picture is SVG
// without a script; a box tells its name and share when the pointer rests on it.
//
// It is not a profiler and knows no program's symbols: bench/flames runs perf, which does.
package main
