package lambdaapi

import "encoding/json"

// createFunctionRequest is the body of CreateFunction. Pointers tell what was sent.
type createFunctionRequest struct {
	FunctionName     *string
	Role             *string
	Code             *packageSource
	Runtime          *string
	Handler          *string
	Description      *string
	Timeout          *int
	MemorySize       *int
	Publish          *bool
	PackageType      *string
	Environment      *environmentRequest
	TracingConfig    *tracingRequest
	Tags             map[string]*string
	Architectures    *[]string
	EphemeralStorage *storageRequest
	SnapStart        *snapStartRequest
	LoggingConfig    *loggingRequest
	Layers           []string

	// What Lambent does not do yet is looked at only to refuse it.
	PublishTo              *string
	KMSKeyArn              *string
	CodeSigningConfigArn   *string
	FileSystemConfigs      []json.RawMessage
	VpcConfig              *vpcRequest
	DeadLetterConfig       *deadLetterRequest
	ImageConfig            *imageRequest
	TenancyConfig          *json.RawMessage
	CapacityProviderConfig *json.RawMessage
	DurableConfig          *json.RawMessage
}

type environmentRequest struct{ Variables map[string]*string }

type tracingRequest struct{ Mode *string }

type storageRequest struct{ Size *int }

type snapStartRequest struct{ ApplyOn *string }

type loggingRequest struct {
	LogFormat           *string
	ApplicationLogLevel *string
	SystemLogLevel      *string
	LogGroup            *string
}

type vpcRequest struct {
	SubnetIds               []string
	SecurityGroupIds        []string
	Ipv6AllowedForDualStack *bool
}

type deadLetterRequest struct{ TargetArn *string }

type imageRequest struct {
	EntryPoint       []string
	Command          []string
	WorkingDirectory *string
}

// or returns what p points at, or the default.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
