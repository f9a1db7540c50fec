package templates

import (
	"fmt"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// Preload says what a base's preload is, as find knows it; nil without one. bare is a driver
// with a protection taken away, which preloads nothing: the attack suite is about what a box
// executes.
func Preload(tier lambda.Tier, find func(name string) (sandbox.Preload, error), bare bool, name string) (*sandbox.Preload, error) {
	if name == "" || bare {
		return nil, nil
	}
	if find == nil {
		return nil, fmt.Errorf("%s was given no interpreters to preload", tier)
	}
	p, err := find(name)
	if err != nil {
		return nil, fmt.Errorf("preloading %s: %w", name, err)
	}
	return &p, nil
}
