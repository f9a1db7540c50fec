//go:build !amd64

package main

import "errors"

// ports and modifyLDT: only amd64 has them.
func ports([]string) (string, error)     { return "", errors.ErrUnsupported }
func modifyLDT([]string) (string, error) { return "", errors.ErrUnsupported }
