package lambda

// Limits of AWS Lambda, in bytes unless said otherwise. Source: AWS Lambda
// Developer Guide, "Lambda quotas"; MaxResponse as the runtime API enforces it.
const (
	MaxPayload     = 6 << 20     // synchronous request
	MaxEvent       = 1 << 20     // asynchronous request
	MaxResponse    = 6<<20 + 100 // synchronous response: 6,291,556
	MaxTailLog     = 4 << 10     // X-Amz-Log-Result, before base64
	MaxZipped      = 52_428_800  // package in a request, decoded
	MaxUnzipped    = 262_144_000 // package and layers
	MaxCreateBody  = 70_167_211  // request of CreateFunction
	MaxEnvironment = 4 << 10     // JSON of all environment variables
	MaxPolicy      = 20 << 10    // JSON of a resource policy

	DefaultCodeStorage = 75 << 30 // packages of all versions and layers of an account

	MinMemory, MaxMemory   = 128, 10_240 // MiB
	MinTmp, MaxTmp         = 512, 10_240 // MiB
	MinTimeout, MaxTimeout = 1, 900      // seconds

	DefaultMemory  = 128 // MiB
	DefaultTmp     = 512 // MiB
	DefaultTimeout = 3   // seconds
)
