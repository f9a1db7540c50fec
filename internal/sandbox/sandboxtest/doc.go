// Package sandboxtest is the one suite that every sandbox driver has to pass. It has
// four parts:
//
//   - conformance: one small test for every rule that package sandbox writes down;
//   - leaks: the host is the same before and after, see Snapshot;
//   - attacks: what a function must not achieve. Each says what success would look
//     like, fails against the whole driver, and succeeds when the protections that it
//     names are taken away: an attack that cannot succeed proves nothing;
//   - a benchmark of the steps of a start.
//
// A driver's test is a Suite and three functions of one line:
//
//	func suite() sandboxtest.Suite { return sandboxtest.Suite{New: …, Tier: …} }
//
//	func TestSuite(t *testing.T)      { suite().Run(t) }
//	func TestAttacks(t *testing.T)    { suite().Attack(t) }
//	func BenchmarkDriver(b *testing.B) { suite().Bench(b) }
//
// A host that lacks what the driver needs skips the suite and says what is missing;
// where the environment variable CI is "true" it fails instead.
//
// The suite watches the process that it runs in: its tests do not run in parallel
// with each other, nor may others in the same process.
//
// Subpackage probe is the program that runs inside.
package sandboxtest
