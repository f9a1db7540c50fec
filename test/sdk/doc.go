// Package sdk holds tests that drive a running lambent binary with the AWS SDK for Go.
//
// It is a module of its own, so that the SDK is no dependency of Lambent. TestMain
// builds the binaries from the parent module. The tests need root, as Lambent does,
// and a Python 3 on the host.
package sdk
