// Package telemetry is how Lambent tells its operator about itself: structured log
// lines (slog) and metrics (Prometheus).
//
// Nothing in it is global: a logger and a registry are values that the daemon makes and
// hands on. It is not for what functions write (package logs) nor for the account of
// one invocation (package receipt).
package telemetry
