package lambdaapi

import "encoding/json"

// createFunctionRequest is the body of CreateFunction. Pointers tell what was sent.
type createFunctionRequest struct {
	configurationRequest
	FunctionName  *string
	Code          *packageSource
	Publish       *bool
	PackageType   *string
	Tags          map[string]*string
	Architectures *[]string
	TenancyConfig *tenancyRequest

	// What Lambent does not do yet is looked at only to refuse it.
	PublishTo            *string
	CodeSigningConfigArn *string
}

// updateConfigurationRequest is the body of UpdateFunctionConfiguration.
type updateConfigurationRequest struct {
	configurationRequest
	RevisionId *string
}

// updateCodeRequest is the body of UpdateFunctionCode.
type updateCodeRequest struct {
	packageSource
	Architectures *[]string
	Publish       *bool
	PublishTo     *string
	DryRun        *bool
	RevisionId    *string
}

// configurationRequest is what CreateFunction and UpdateFunctionConfiguration share.
type configurationRequest struct {
	Role                   *string
	Runtime                *string
	Handler                *string
	Description            *string
	Timeout                *int
	MemorySize             *int
	Environment            *environmentRequest
	TracingConfig          *tracingRequest
	EphemeralStorage       *storageRequest
	SnapStart              *snapStartRequest
	LoggingConfig          *loggingRequest
	Layers                 []string
	CapacityProviderConfig *capacityConfigRequest

	// What Lambent does not do yet is looked at only to refuse it.
	KMSKeyArn         *string
	FileSystemConfigs []json.RawMessage
	VpcConfig         *vpcRequest
	DeadLetterConfig  *deadLetterRequest
	ImageConfig       *imageRequest
	DurableConfig     *json.RawMessage
}

type environmentRequest struct{ Variables map[string]*string }

type tracingRequest struct{ Mode *string }

type tenancyRequest struct{ TenantIsolationMode *string }

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
