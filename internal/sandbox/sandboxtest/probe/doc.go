// Command probe is what the suite of package sandboxtest runs inside sandboxes. Its
// subcommands do one thing each; those that attack report what they achieved as one
// line of JSON, and the suite judges. It is static and needs nothing but itself.
package main
