//go:build !linux

package drivers

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// outside is empty: network namespaces are Linux's.
type outside struct{}

func newOutside(Options) outside { return outside{} }

func (outside) close() error { return nil }

func (outside) reap(func(string) bool) error { return nil }

func (outside) checks(context.Context, lambda.Tier) []sandbox.Check {
	return []sandbox.Check{{Name: "Linux", Found: "another system", Required: true, Needed: "Linux", Fix: "run lambent on Linux"}}
}
