// Package bytecode compiles the Python and JavaScript sources of deployment packages when they
// are deployed, so that no start of an instance has to.
//
// It does not load bytecode: the interpreter does, by its own rules. It never changes an
// unpacked package: what it makes is a variant of it (package code), a copy of hard links with
// files in __pycache__ folders, or with a folder that holds Node's compile cache, which functions
// of that runtime, and for Node of that memory size, are shown instead. Functions of other
// runtimes, and layers that are laid over each other, never meet it.
//
// # Where it is compiled
//
// In a sandbox of the function's tier that shows one package, the function's code or its
// layers laid over each other, and nothing else; without a network, with the smallest share
// of CPU. The program is Lambent's (lambent_compile.py and .js in package runtimes): it compiles
// and runs nothing of the package. A source that attacks the compiler can only change the
// bytecode of the package that it is part of. This is why code and layers do not share a
// sandbox: packages are shared between functions and accounts.
//
// # Limits
//
// One package at a time on a host; 512 MiB and five minutes for each; no sources above 1 MiB;
// 16 MiB of bytecode for one source and 256 MiB for a package. What is beyond starts from
// source. Folders of packages grow by the size of the bytecode. The sandbox's memory is not
// part of the budget that instances share.
//
// # What it is compared with
//
// Nothing. A package never changes, so the files say "unchecked" (PEP 552), and a start
// does not even look at the time of a source. Python 3.6 knows times only. An interpreter
// whose bytecode has another magic number ignores them and compiles the sources. Bytecode that
// a package brings and that an import would take is left as it is. Node compares by itself:
// its version, the flags of V8 and a checksum of each source.
//
// # What the sandbox answers
//
// On its output:
//
//	"LBC1", then records: length of the path (2 bytes), length of the bytecode (4 bytes),
//	the path of a source below the package's folder, or of a file of Node's cache, the bytecode
//	a record with both lengths 0 is the end
//
// Numbers are big-endian. Nothing of it is trusted: a path must be that of a regular source
// of the package as the server sees it, or such as Node gives in its cache, once; sizes are bounded, one by one and together; all
// is written through os.Root into a folder that nobody sees yet. An answer that breaks the
// rules is refused whole. One that ends early, because of the limits of time and memory or
// because the interpreter crashed, counts as far as it came: small sources come first.
package bytecode
