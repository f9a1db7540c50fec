package lambda

// The table of API errors. Source: AWS Lambda API reference; the message key as
// the SDK models bind it.
var (
	ErrInvalidParameterValue = &ErrorKind{"InvalidParameterValueException", 400, "message", "User"}
	ErrInvalidRequestContent = &ErrorKind{"InvalidRequestContentException", 400, "message", "User"}
	ErrValidation            = &ErrorKind{"ValidationException", 400, "message", ""}
	ErrCodeStorageExceeded   = &ErrorKind{"CodeStorageExceededException", 400, "message", "User"}
	ErrAccessDenied          = &ErrorKind{"AccessDeniedException", 403, "Message", ""}
	ErrResourceNotFound      = &ErrorKind{"ResourceNotFoundException", 404, "Message", "User"}
	ErrUnknownOperation      = &ErrorKind{"UnknownOperationException", 404, "Message", ""}
	ErrMethodNotAllowed      = &ErrorKind{"MethodNotAllowedException", 405, "Message", ""}
	ErrResourceConflict      = &ErrorKind{"ResourceConflictException", 409, "message", "User"}
	ErrPreconditionFailed    = &ErrorKind{"PreconditionFailedException", 412, "message", "User"}
	ErrRequestTooLarge       = &ErrorKind{"RequestTooLargeException", 413, "message", "User"}
	ErrRequestEntityTooLarge = &ErrorKind{"RequestEntityTooLargeException", 413, "message", "User"}
	ErrUnsupportedMediaType  = &ErrorKind{"UnsupportedMediaTypeException", 415, "message", "User"}
	ErrTooManyRequests       = &ErrorKind{"TooManyRequestsException", 429, "message", "User"}
	ErrService               = &ErrorKind{"ServiceException", 500, "Message", "Service"}
	ErrResourceNotReady      = &ErrorKind{"ResourceNotReadyException", 502, "message", "Service"}
	ErrInvalidRuntime        = &ErrorKind{"InvalidRuntimeException", 502, "Message", "User"}
	ErrInvalidZipFile        = &ErrorKind{"InvalidZipFileException", 502, "Message", "User"}
)
