// Package postgrestest starts a private PostgreSQL server for a test and removes it
// after: on a Unix socket in a temporary folder, without durability, for no other
// program.
//
// It is for tests only. What the host lacks is installed where that is possible (Debian,
// root); otherwise the test is skipped, or fails where CI=true.
package postgrestest
