// Package bundle makes a package that Lambda takes out of what a person has: a folder, a
// zip, or a single file of Python, JavaScript, TypeScript or Go. It guesses the runtime and
// the handler where they are not given and says so, builds Go with the go tool, bundles
// TypeScript with esbuild, and installs dependencies when asked to.
//
// The same sources give the same bytes, so that a deployment can tell that nothing
// changed. It talks to no server and knows no function's settings.
package bundle
