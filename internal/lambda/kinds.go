package lambda

// The table of API errors: name, HTTP status, message key, type. It holds what the
// operations that Lambent answers may answer on AWS, also where Lambent never has the
// cause. Source: AWS Lambda API reference; the message key as the SDK models bind it
// and as recorded answers show it.
var (
	// Errors of every operation.
	ErrInvalidParameterValue = &ErrorKind{"InvalidParameterValueException", 400, "message", "User"}
	ErrValidation            = &ErrorKind{"ValidationException", 400, "message", ""}
	ErrSerialization         = &ErrorKind{"SerializationException", 400, "Message", ""}
	ErrAccessDenied          = &ErrorKind{"AccessDeniedException", 403, "Message", ""}
	ErrResourceNotFound      = &ErrorKind{"ResourceNotFoundException", 404, "Message", "User"}
	ErrUnknownOperation      = &ErrorKind{"UnknownOperationException", 404, "Message", ""}
	ErrMethodNotAllowed      = &ErrorKind{"MethodNotAllowedException", 405, "Message", ""}
	ErrRequestTimeout        = &ErrorKind{"RequestTimeoutException", 408, "Message", ""}
	ErrResourceConflict      = &ErrorKind{"ResourceConflictException", 409, "message", "User"}
	ErrPreconditionFailed    = &ErrorKind{"PreconditionFailedException", 412, "message", "User"}
	ErrTooManyRequests       = &ErrorKind{"TooManyRequestsException", 429, "message", "User"}
	ErrService               = &ErrorKind{"ServiceException", 500, "Message", "Service"}

	// Errors of a request's signature. Source: AWS Lambda API reference, "Common errors".
	ErrMissingAuthenticationToken = &ErrorKind{"MissingAuthenticationTokenException", 403, "message", ""}
	ErrIncompleteSignature        = &ErrorKind{"IncompleteSignatureException", 403, "message", ""}
	ErrUnrecognizedClient         = &ErrorKind{"UnrecognizedClientException", 403, "message", ""}
	ErrInvalidSignature           = &ErrorKind{"InvalidSignatureException", 403, "message", ""}

	// Errors of a change to a function.
	ErrCodeStorageExceeded          = &ErrorKind{"CodeStorageExceededException", 400, "message", "User"}
	ErrPolicyLengthExceeded         = &ErrorKind{"PolicyLengthExceededException", 400, "message", "User"}
	ErrCodeVerificationFailed       = &ErrorKind{"CodeVerificationFailedException", 400, "Message", "User"}
	ErrInvalidCodeSignature         = &ErrorKind{"InvalidCodeSignatureException", 400, "Message", "User"}
	ErrFunctionVersionsPerCapacity  = &ErrorKind{"FunctionVersionsPerCapacityProviderLimitExceededException", 400, "message", "User"}
	ErrCodeSigningConfigNotFound    = &ErrorKind{"CodeSigningConfigNotFoundException", 404, "Message", "User"}
	ErrProvisionedConfigNotFound    = &ErrorKind{"ProvisionedConcurrencyConfigNotFoundException", 404, "message", "User"}
	ErrRequestEntityTooLarge        = &ErrorKind{"RequestEntityTooLargeException", 413, "Message", "User"}
	ErrSerializedRequestEntityLarge = &ErrorKind{"SerializedRequestEntityTooLargeException", 413, "message", "User"}

	// Errors of an invocation.
	ErrInvalidRequestContent          = &ErrorKind{"InvalidRequestContentException", 400, "message", "User"}
	ErrModeNotSupported               = &ErrorKind{"ModeNotSupportedException", 400, "message", "User"}
	ErrNoPublishedVersion             = &ErrorKind{"NoPublishedVersionException", 400, "Message", "User"}
	ErrRecursiveInvocation            = &ErrorKind{"RecursiveInvocationException", 400, "Message", "User"}
	ErrSnapStart                      = &ErrorKind{"SnapStartException", 400, "Message", "User"}
	ErrServiceQuotaExceeded           = &ErrorKind{"ServiceQuotaExceededException", 402, "Message", "User"}
	ErrEFSMountFailure                = &ErrorKind{"EFSMountFailureException", 403, "Message", "User"}
	ErrS3FilesMountFailure            = &ErrorKind{"S3FilesMountFailureException", 403, "Message", "User"}
	ErrEFSMountConnectivity           = &ErrorKind{"EFSMountConnectivityException", 408, "Message", "User"}
	ErrEFSMountTimeout                = &ErrorKind{"EFSMountTimeoutException", 408, "Message", "User"}
	ErrS3FilesMountConnectivity       = &ErrorKind{"S3FilesMountConnectivityException", 408, "Message", "User"}
	ErrS3FilesMountTimeout            = &ErrorKind{"S3FilesMountTimeoutException", 408, "Message", "User"}
	ErrSnapStartTimeout               = &ErrorKind{"SnapStartTimeoutException", 408, "Message", "User"}
	ErrCodeArtifactUserDeleted        = &ErrorKind{"CodeArtifactUserDeletedException", 409, "message", "User"}
	ErrCodeArtifactUserFailed         = &ErrorKind{"CodeArtifactUserFailedException", 409, "message", "User"}
	ErrCodeArtifactUserPending        = &ErrorKind{"CodeArtifactUserPendingException", 409, "message", "User"}
	ErrDurableExecutionAlreadyStarted = &ErrorKind{"DurableExecutionAlreadyStartedException", 409, "Message", "User"}
	ErrSnapStartNotReady              = &ErrorKind{"SnapStartNotReadyException", 409, "Message", "User"}
	ErrSnapStartRegenerationFailure   = &ErrorKind{"SnapStartRegenerationFailureException", 409, "Message", "User"}
	ErrEFSIO                          = &ErrorKind{"EFSIOException", 410, "Message", "User"}
	ErrRequestTooLarge                = &ErrorKind{"RequestTooLargeException", 413, "message", "User"}
	ErrUnsupportedMediaType           = &ErrorKind{"UnsupportedMediaTypeException", 415, "message", "User"}
	ErrResourceNotReady               = &ErrorKind{"ResourceNotReadyException", 502, "message", "Service"}
	ErrInvalidRuntime                 = &ErrorKind{"InvalidRuntimeException", 502, "Message", "User"}
	ErrInvalidZipFile                 = &ErrorKind{"InvalidZipFileException", 502, "Message", "User"}
	ErrEC2AccessDenied                = &ErrorKind{"EC2AccessDeniedException", 502, "Message", "User"}
	ErrEC2Throttled                   = &ErrorKind{"EC2ThrottledException", 502, "Message", "User"}
	ErrEC2Unexpected                  = &ErrorKind{"EC2UnexpectedException", 502, "Message", "User"}
	ErrENILimitReached                = &ErrorKind{"ENILimitReachedException", 502, "Message", "User"}
	ErrENINotReady                    = &ErrorKind{"ENINotReadyException", 502, "Message", "User"}
	ErrInvalidSecurityGroupID         = &ErrorKind{"InvalidSecurityGroupIDException", 502, "Message", "User"}
	ErrInvalidSubnetID                = &ErrorKind{"InvalidSubnetIDException", 502, "Message", "User"}
	ErrSubnetIPAddressLimitReached    = &ErrorKind{"SubnetIPAddressLimitReachedException", 502, "Message", "User"}
	ErrKMSAccessDenied                = &ErrorKind{"KMSAccessDeniedException", 502, "Message", "User"}
	ErrKMSDisabled                    = &ErrorKind{"KMSDisabledException", 502, "Message", "User"}
	ErrKMSInvalidState                = &ErrorKind{"KMSInvalidStateException", 502, "Message", "User"}
	ErrKMSNotFound                    = &ErrorKind{"KMSNotFoundException", 502, "Message", "User"}
)
