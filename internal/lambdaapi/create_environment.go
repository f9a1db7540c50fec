package lambdaapi

import (
	"slices"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// reservedVariables are set by Lambda itself and cannot be set by a function's owner.
// Source: AWS Lambda Developer Guide, "Reserved environment variables".
var reservedVariables = []string{
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SECURITY_TOKEN",
	"AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_HANDLER",
}

const cannotConfigure = "Lambda was unable to configure your environment variables because the environment variables you have provided "

// checkEnvironment holds AWS's limits of a function's variables, and one of Linux:
// no value can hold a zero byte.
func checkEnvironment(variables map[string]string) error {
	var reserved []string
	for key, value := range variables {
		if slices.Contains(reservedVariables, key) || strings.HasPrefix(key, "LAMBENT_") {
			reserved = append(reserved, key)
		}
		if strings.ContainsRune(value, 0) {
			return invalid("The environment variable %s contains a zero byte.", key)
		}
	}
	if len(reserved) > 0 {
		slices.Sort(reserved)
		return invalid(cannotConfigure+"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s",
			strings.Join(reserved, ", "))
	}
	return checkEnvironmentSize(variables)
}

func checkEnvironmentSize(variables map[string]string) error {
	if len(variables) == 0 {
		return nil
	}
	measured, err := encode(variables)
	if err != nil {
		return err
	}
	if len(measured) <= lambda.MaxEnvironment {
		return nil
	}
	return invalid(cannotConfigure+"exceeded the 4KB limit. String measured: %s", shorten(string(measured)))
}

// shorten bounds a value that is echoed.
func shorten(s string) string {
	const most = 64 << 10
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
