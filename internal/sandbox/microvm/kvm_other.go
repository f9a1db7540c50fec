//go:build !amd64

package microvm

import "errors"

// tryKVM is not known for this processor.
func tryKVM() error { return errors.New("no trial program is known for this processor") }
