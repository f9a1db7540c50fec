//go:build !amd64

package main

import "errors"

// compat: only amd64 has the way of 32-bit programs inside 64-bit ones.
func compat([]string) (string, error) { return "", errors.ErrUnsupported }
