package runtimes

import "slices"

// identifiers is AWS's enum of runtimes. Source: model of the Lambda API, shape
// Runtime, 2026-11.
var identifiers = []string{
	"dotnet10", "dotnet8", "dotnet6", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1",
	"go1.x",
	"java25", "java21", "java17", "java17.al2023", "java11", "java11.al2023", "java8", "java8.al2", "java8.al2023",
	"nodejs26.x", "nodejs24.x", "nodejs22.x", "nodejs20.x", "nodejs18.x", "nodejs16.x", "nodejs14.x", "nodejs12.x",
	"nodejs10.x", "nodejs8.10", "nodejs6.10", "nodejs4.3", "nodejs4.3-edge", "nodejs",
	"python3.15", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8",
	"python3.7", "python3.6", "python2.7",
	"ruby4.0", "ruby3.4", "ruby3.3", "ruby3.2", "ruby2.7", "ruby2.5",
	"provided", "provided.al2", "provided.al2023",
}

// Identifiers returns AWS's whole enum of runtimes, for the text of a validation
// error; most of them Lambent cannot run.
func Identifiers() []string { return slices.Clone(identifiers) }

// Known reports whether AWS's API knows a runtime, whether or not this host can run
// it.
func Known(id string) bool { return slices.Contains(identifiers, id) }
