package lambdaapi

import (
	"regexp"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// Patterns as AWS shows them in errors.
const (
	rolePattern     = `arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`
	handlerPattern  = `[^\s]+`
	logGroupPattern = `[\.\-_/#A-Za-z0-9]+`
	variablePattern = `[a-zA-Z]([a-zA-Z0-9_])+`
)

var (
	roleExact     = whole(rolePattern)
	handlerExact  = whole(handlerPattern)
	logGroupExact = whole(logGroupPattern)
	variableExact = whole(variablePattern)
)

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) }

// validate reports what breaks the model of the API, all at once.
func (in *createFunctionRequest) validate(v *lambda.Violations) {
	in.validateRequired(v)
	in.configurationRequest.validate(v)
	in.Code.validate(v, "code.")
	enum(v, "packageType", in.PackageType, "Image", "Zip")
	validateArchitectures(v, in.Architectures)
	in.TenancyConfig.validate(v)
	validateTags(v, in.Tags)
}

func (in *configurationRequest) validate(v *lambda.Violations) {
	in.validateNumbers(v)
	in.validateEnums(v)
	in.validateVariables(v)
	lambda.CheckLayerARNs(in.Layers, v)
	in.CapacityProviderConfig.validate(v)
	text(v, "handler", in.Handler, 128, handlerExact, handlerPattern)
	text(v, "role", in.Role, 1<<10, roleExact, rolePattern)
	if in.Description != nil {
		v.Length("description", *in.Description, 0, 256)
	}
	if l := in.LoggingConfig; l != nil {
		text(v, "loggingConfig.logGroup", l.LogGroup, 512, logGroupExact, logGroupPattern)
	}
}

func (in *createFunctionRequest) validateRequired(v *lambda.Violations) {
	if in.FunctionName == nil {
		v.Missing("functionName")
	}
	if in.Role == nil {
		v.Missing("role")
	}
	if in.Code == nil {
		v.Missing("code")
	}
}

func (in *configurationRequest) validateNumbers(v *lambda.Violations) {
	number(v, "timeout", in.Timeout, lambda.MinTimeout, lambda.MaxTimeout)
	number(v, "memorySize", in.MemorySize, lambda.MinMemory, lambda.MaxMemory)
	if e := in.EphemeralStorage; e != nil {
		if e.Size == nil {
			v.Missing("ephemeralStorage.size")
		}
		number(v, "ephemeralStorage.size", e.Size, lambda.MinTmp, lambda.MaxTmp)
	}
}

func (in *configurationRequest) validateEnums(v *lambda.Violations) {
	if in.TracingConfig != nil {
		enum(v, "tracingConfig.mode", in.TracingConfig.Mode, "PassThrough", "Active")
	}
	if in.SnapStart != nil {
		enum(v, "snapStart.applyOn", in.SnapStart.ApplyOn, "PublishedVersions", "None")
	}
	if l := in.LoggingConfig; l != nil {
		enum(v, "loggingConfig.logFormat", l.LogFormat, "JSON", "Text")
		enum(v, "loggingConfig.applicationLogLevel", l.ApplicationLogLevel, "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
		enum(v, "loggingConfig.systemLogLevel", l.SystemLogLevel, "DEBUG", "INFO", "WARN")
	}
}

func validateArchitectures(v *lambda.Violations, asked *[]string) {
	if asked == nil {
		return
	}
	list := *asked
	shown := "[" + strings.Join(list, ", ") + "]"
	switch {
	case len(list) > 1:
		v.Add("architectures", shown, "Member must have length less than or equal to 1")
	case len(list) < 1:
		v.Add("architectures", shown, "Member must have length greater than or equal to 1")
	case list[0] != "x86_64" && list[0] != "arm64":
		v.Add("architectures", shown, "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")
	}
}

func (in *configurationRequest) validateVariables(v *lambda.Violations) {
	if e := in.Environment; e != nil {
		for _, key := range sortedKeys(e.Variables) {
			if len(key) > 1<<10 || !variableExact.MatchString(key) {
				v.Add("environment.variables", "{"+key+"}", "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: "+variablePattern+"]")
			}
			if e.Variables[key] == nil {
				v.Add("environment.variables", "{"+key+"}", "Map value must satisfy constraint: [Member must not be null]")
			}
		}
	}
}

func sortedKeys(m map[string]*string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func number(v *lambda.Violations, field string, value *int, least, most int) {
	if value != nil {
		v.Range(field, *value, least, most)
	}
}

func enum(v *lambda.Violations, field string, value *string, set ...string) {
	if value != nil {
		v.OneOf(field, *value, set...)
	}
}

// text checks a string's length and pattern; what is too long is not matched.
func text(v *lambda.Violations, field string, value *string, longest int, exact *regexp.Regexp, shown string) {
	if value == nil {
		return
	}
	if v.Length(field, *value, 0, longest); len(*value) > longest {
		return
	}
	if !exact.MatchString(*value) {
		v.Add(field, *value, "Member must satisfy regular expression pattern: "+shown)
	}
}

// invalid makes the error of a value that the model allows and Lambda refuses.
func invalid(format string, args ...any) error {
	return lambda.NewError(lambda.ErrInvalidParameterValue, format, args...)
}

// checkTags holds AWS's limits of tags. Source: AWS Lambda Developer Guide, "Using tags
// on Lambda functions".
func checkTags(tags map[string]string) error {
	if len(tags) > 50 {
		return invalid("Number of tags exceeds resource tag limit.")
	}
	for key, value := range tags {
		switch {
		case key == "" || len([]rune(key)) > 128:
			return invalid("A tag's key must have 1 to 128 characters.")
		case len([]rune(value)) > 256:
			return invalid("A tag's value must have at most 256 characters.")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return invalid("aws: prefixed tag key names are not allowed for external use.")
		}
	}
	return nil
}

// checkLevels refuses log levels without the format that has them.
func (l *loggingRequest) checkLevels(format string) error {
	if l == nil || format == "JSON" {
		return nil
	}
	if l.ApplicationLogLevel != nil || l.SystemLogLevel != nil {
		return invalid("To set ApplicationLogLevel or SystemLogLevel, set LogFormat to JSON: the format Text has no levels.")
	}
	return nil
}

// values returns a map without its pointers; validate has refused nulls.
func values(m map[string]*string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for key, value := range m {
		out[key] = *value
	}
	return out
}
