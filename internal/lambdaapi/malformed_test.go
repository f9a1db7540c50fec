package lambdaapi

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

// malformed is one bad request and what must come of it.
type malformed struct {
	method, target, body string
	header               []string
	status               int
	kind                 string
	text                 string // part of the message
}

func post(changes map[string]any) malformed {
	return malformed{method: "POST", target: functions, body: request(changes), status: 400}
}

func (m malformed) says(kind, text string) malformed {
	m.kind, m.text = kind, text
	return m
}

func raw(body string) malformed {
	return malformed{method: "POST", target: functions, body: body, status: 400}
}

func call4(method, target string, status int, kind, text string) malformed {
	return malformed{method: method, target: target, status: status, kind: kind, text: text}
}

func event(body string, header ...string) malformed {
	return malformed{method: "POST", target: functions + "/kept/invocations", body: body, header: header, status: 400}
}

const (
	validation = "ValidationException"
	parameter  = "InvalidParameterValueException"
	serial     = "SerializationException"
	notFound   = "ResourceNotFoundException"
	content    = "InvalidRequestContentException"
	notYet     = "Lambent does not support this yet: "
)

// badCreations are requests of CreateFunction. Texts marked "recorded" are the service's.
func badCreations() []malformed {
	vars := func(v map[string]any) map[string]any {
		return map[string]any{"Environment": map[string]any{"Variables": v}}
	}
	return []malformed{
		raw(``).says(validation, "3 validation errors detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null; Value null at 'role'"),
		raw(`{`).says(serial, "unexpected end of JSON input"),
		raw(`nonsense`).says(serial, "Failed to parse the body"),
		raw(`[]`).says(serial, "Start of list found where not expected"),
		raw(`"text"`).says(serial, "STRING_VALUE can not be converted to a Structure"),
		raw(`{} {}`).says(serial, "Failed to parse the body"),
		raw("{\"FunctionName\":\"\xff\"}").says(serial, "not valid UTF-8"),
		raw(strings.Repeat(`{"a":`, 20_000)).says(serial, "Failed to parse the body"),
		raw(strings.Repeat(`[`, 200_000)).says(serial, "Failed to parse the body"),
		post(map[string]any{"Timeout": "5"}).says(serial, "STRING_VALUE can not be converted to an Integer"),
		post(map[string]any{"Timeout": 1.5}).says(serial, "NUMBER_VALUE can not be converted to an Integer"),
		post(map[string]any{"Timeout": true}).says(serial, "TRUE_VALUE can not be converted to an Integer"),
		post(map[string]any{"Role": false}).says(serial, "FALSE_VALUE can not be converted to a String"),
		post(map[string]any{"FunctionName": 7}).says(serial, "NUMBER_VALUE can not be converted to a String"),
		post(map[string]any{"FunctionName": []string{"a"}}).says(serial, "Start of list found where not expected"),
		post(map[string]any{"Handler": map[string]any{}}).says(serial, "Start of structure or map found where not expected."),
		post(map[string]any{"Publish": "true"}).says(serial, "STRING_VALUE can not be converted to a Boolean"),
		post(map[string]any{"Architectures": "x86_64"}).says(serial, "STRING_VALUE can not be converted to a List"),
		post(map[string]any{"Environment": "A=b"}).says(serial, "STRING_VALUE can not be converted to a Structure"),
		post(map[string]any{"Code": map[string]any{"ZipFile": "%%%"}}).says(serial, "not valid Base64"),
		post(map[string]any{"Code": map[string]any{"ZipFile": 7}}).says(serial, "NUMBER_VALUE can not be converted to a Blob"),
		post(vars(map[string]any{"AB": 7})).says(serial, "NUMBER_VALUE can not be converted to a String"),
		post(vars(map[string]any{"AB": nil})).says(validation, "Map value must satisfy constraint: [Member must not be null]"),
		post(vars(map[string]any{"1A": "x"})).says(validation, `Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]`),
		post(vars(map[string]any{"AWS_REGION": "x", "AWS_ACCESS_KEY_ID": "y"})).says(parameter, "contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_ACCESS_KEY_ID, AWS_REGION"),
		post(vars(map[string]any{"LAMBENT_STREAM": "3"})).says(parameter, "Reserved keys used in this request: LAMBENT_STREAM"),
		post(vars(map[string]any{"AB": "a\x00b"})).says(parameter, "zero byte"),
		// recorded
		post(vars(map[string]any{"LARGE_VAR": strings.Repeat("x", 4096), "SMALL_VAR": "ok"})).says(parameter, "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {\"LARGE_VAR\":\"xxx"),
		post(map[string]any{"FunctionName": nil}).says(validation, "1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null"),
		post(map[string]any{"FunctionName": ""}).says(validation, "Member must satisfy regular expression pattern"),
		post(map[string]any{"FunctionName": "a b"}).says(validation, `Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?`),
		post(map[string]any{"FunctionName": "../../etc"}).says(validation, "at 'functionName'"),
		post(map[string]any{"FunctionName": strings.Repeat("a", 65)}).says(validation, "Member must have length less than or equal to 64"),
		post(map[string]any{"FunctionName": "f:1"}).says(parameter, "without a qualifier"),
		malformed{method: "POST", target: functions, status: 404, body: request(map[string]any{"FunctionName": "arn:aws:lambda:eu-west-1:000000000000:function:f"})}.says(notFound, "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"),
		malformed{method: "POST", target: functions, status: 403, body: request(map[string]any{"FunctionName": "123456789012:function:f"})}.says("AccessDeniedException", "is not authorized to perform: lambda:CreateFunction on resource: arn:aws:lambda:us-east-1:123456789012:function:f"),
		post(map[string]any{"Role": nil}).says(validation, "Value null at 'role'"),
		// recorded
		post(map[string]any{"Role": "r1"}).says(validation, `1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`),
		post(map[string]any{"Role": "arn:aws:iam::000000000000:role/a\n"}).says(validation, "at 'role'"),
		post(map[string]any{"Runtime": nil}).says(parameter, "Runtime and Handler are mandatory parameters for functions created with deployment packages."),
		post(map[string]any{"Handler": nil}).says(parameter, "Runtime and Handler are mandatory"),
		// recorded
		post(map[string]any{"Runtime": "PYTHON3.9"}).says(parameter, "Value PYTHON3.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2] or be a valid ARN"),
		post(map[string]any{"Runtime": "go1.x"}).says(parameter, "The runtime parameter of go1.x is no longer supported for creating or updating AWS Lambda functions."),
		post(map[string]any{"Handler": "a b"}).says(validation, `Value 'a b' at 'handler' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\s]+`),
		post(map[string]any{"Handler": strings.Repeat("h", 129)}).says(validation, "Member must have length less than or equal to 128"),
		post(map[string]any{"Description": strings.Repeat("d", 257)}).says(validation, "at 'description' failed to satisfy constraint: Member must have length less than or equal to 256"),
		post(map[string]any{"Timeout": 0}).says(validation, "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"),
		post(map[string]any{"Timeout": 901}).says(validation, "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"),
		post(map[string]any{"MemorySize": 127}).says(validation, "Value '127' at 'memorySize'"),
		post(map[string]any{"MemorySize": 10241}).says(validation, "Value '10241' at 'memorySize'"),
		post(map[string]any{"MemorySize": 1e30}).says(serial, "NUMBER_VALUE can not be converted to an Integer"),
		post(map[string]any{"EphemeralStorage": map[string]any{"Size": 511}}).says(validation, "Value '511' at 'ephemeralStorage.size'"),
		post(map[string]any{"EphemeralStorage": map[string]any{}}).says(validation, "Value null at 'ephemeralStorage.size'"),
		// recorded
		post(map[string]any{"Architectures": []string{"x86_64", "arm64"}}).says(validation, "1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1"),
		// recorded
		post(map[string]any{"Architectures": []string{"X86_64"}}).says(validation, "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"),
		post(map[string]any{"Architectures": []string{}}).says(validation, "Member must have length greater than or equal to 1"),
		post(map[string]any{"PackageType": "Tar"}).says(validation, "Value 'Tar' at 'packageType' failed to satisfy constraint: Member must satisfy enum value set: [Image, Zip]"),
		post(map[string]any{"TracingConfig": map[string]any{"Mode": "On"}}).says(validation, "at 'tracingConfig.mode'"),
		// recorded
		post(map[string]any{"SnapStart": map[string]any{"ApplyOn": "invalidOption"}}).says(validation, "1 validation error detected: Value 'invalidOption' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]"),
		post(map[string]any{"LoggingConfig": map[string]any{"LogFormat": "XML"}}).says(validation, "at 'loggingConfig.logFormat'"),
		post(map[string]any{"LoggingConfig": map[string]any{"LogGroup": "a b"}}).says(validation, "at 'loggingConfig.logGroup'"),
		post(map[string]any{"LoggingConfig": map[string]any{"ApplicationLogLevel": "DEBUG"}}).says(parameter, "set LogFormat to JSON"),
		post(map[string]any{"LoggingConfig": map[string]any{"LogFormat": "JSON", "SystemLogLevel": "LOUD"}}).says(validation, "at 'loggingConfig.systemLogLevel'"),
		post(map[string]any{"Timeout": 0, "Role": "r", "MemorySize": 1}).says(validation, "3 validation errors detected: "),
		// recorded
		post(map[string]any{"Code": map[string]any{"ZipFile": []byte("this is no zip")}}).says(parameter, "Could not unzip uploaded file. Please check your file, then try to upload again."),
		post(map[string]any{"Code": map[string]any{}}).says(parameter, "Please provide a source for function code."),
		post(map[string]any{"Code": nil}).says(validation, "Value null at 'code'"),
		post(map[string]any{"Code": map[string]any{"S3Bucket": "bucket", "S3Key": "k"}}).says(parameter, "its configuration names no endpoint"),
		post(map[string]any{"Code": map[string]any{"ImageUri": "a/b:c"}, "PackageType": "Image"}).says(parameter, notYet+"Code.ImageUri, PackageType Image"),
		post(map[string]any{"Layers": "l"}).says(serial, "STRING_VALUE can not be converted to a List"),
		post(map[string]any{"VpcConfig": map[string]any{"SubnetIds": []string{"subnet-1"}}}).says(parameter, notYet+"VpcConfig"),
		post(map[string]any{"DeadLetterConfig": map[string]any{"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"}}).says(parameter, notYet+"DeadLetterConfig"),
		post(map[string]any{"FileSystemConfigs": []any{map[string]any{"Arn": "a"}}}).says(parameter, notYet+"FileSystemConfigs"),
		post(map[string]any{"Runtime": "nodejs22.x", "SnapStart": map[string]any{"ApplyOn": "PublishedVersions"}}).says(parameter, "nodejs22.x is not supported for SnapStart enabled functions."),
		post(map[string]any{"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"}).says(parameter, notYet+"KMSKeyArn"),
		post(map[string]any{"TenancyConfig": map[string]any{"TenantIsolationMode": "SHARED"}}).says(validation, "Value 'SHARED' at 'tenancyConfig.tenantIsolationMode' failed to satisfy constraint: Member must satisfy enum value set: [PER_TENANT]"),
		post(map[string]any{"TenancyConfig": map[string]any{}}).says(validation, "Value null at 'tenancyConfig.tenantIsolationMode'"),
		post(map[string]any{"DurableConfig": map[string]any{"ExecutionTimeout": 5}}).says(parameter, notYet+"DurableConfig"),
		post(map[string]any{"DurableConfig": map[string]any{"ExecutionTimeout": 5}, "ImageConfig": map[string]any{"Command": []string{"x"}}}).says(parameter, notYet+"ImageConfig, DurableConfig"),
		post(map[string]any{"Tags": map[string]any{"lambent:isolation": "strong"}}).says(parameter, `unknown isolation "strong"`),
		post(map[string]any{"Tags": map[string]any{"lambent:isolatoin": "light"}}).says(parameter, `did you mean "lambent:isolation"?`),
		post(map[string]any{"Tags": map[string]any{"lambent:isolation": "gvisor"}}).says(parameter, "This host does not offer the isolation gvisor"),
		post(map[string]any{"Tags": map[string]any{"aws:x": "y"}}).says(parameter, "aws: prefixed tag key names are not allowed for external use."),
		post(map[string]any{"Tags": map[string]any{"k": nil}}).says(validation, "at 'tags'"),
		post(map[string]any{"Tags": map[string]any{strings.Repeat("k", 129): "v"}}).says(parameter, "1 to 128 characters"),
		post(map[string]any{"Tags": manyTags(51)}).says(parameter, "Number of tags exceeds resource tag limit."), // recorded
		malformed{method: "POST", target: functions, status: 409, body: request(map[string]any{"FunctionName": "kept"})}.says("ResourceConflictException", "Function already exist: kept"),
	}
}

func manyTags(n int) map[string]any {
	tags := map[string]any{}
	for i := range n {
		tags[fmt.Sprint(i, "_key")] = "value"
	}
	return tags
}

func badCalls() []malformed {
	const kept = functions + "/kept"
	const read = `at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}`
	return []malformed{
		call4("GET", "/", 404, "UnknownOperationException", ""),
		call4("GET", "", 404, "UnknownOperationException", ""),
		call4("GET", "/2015-03-31", 404, "UnknownOperationException", ""),
		call4("GET", kept+"/nothing", 404, "UnknownOperationException", ""),
		call4("GET", kept+"/configuration/x", 404, "UnknownOperationException", ""),
		call4("GET", functions+"//kept", 404, "UnknownOperationException", ""),
		call4("GET", functions+"/../functions/kept", 404, "UnknownOperationException", ""),
		call4("PUT", kept, 405, "MethodNotAllowedException", "GET and DELETE"),
		call4("PATCH", functions, 405, "MethodNotAllowedException", "POST and GET"),
		call4("OPTIONS", functions, 405, "MethodNotAllowedException", ""),
		call4("GET", kept+"/invocations", 405, "MethodNotAllowedException", ""),
		call4("GET", functions+"/a%20b", 400, validation, "Value 'a b' "+read),
		call4("GET", functions+"/a%2Fb", 400, validation, "Value 'a/b' "+read),
		call4("GET", functions+"/%00", 400, validation, read),
		call4("GET", functions+"/%FF", 400, validation, read),
		call4("GET", functions+"/"+strings.Repeat("a", 171), 400, validation, "Member must have length less than or equal to 170"),
		call4("GET", kept+"?Qualifier=a%3Fb", 400, validation, `at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`),
		call4("GET", kept+"?Qualifier="+strings.Repeat("9", 129), 400, validation, "Member must have length less than or equal to 128"),
		call4("GET", kept+"?Qualifier=%zz", 400, parameter, "query string"),
		call4("GET", kept+"?Qualifier=1221", 404, notFound, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:kept:1221"),
		call4("GET", functions+"/gone", 404, notFound, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:gone"),
		call4("GET", functions+"/gone/configuration", 404, notFound, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:gone"),
		call4("GET", functions+"/some-function:$LATEST?Qualifier=$LATEST", 404, notFound, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:some-function:$LATEST"),
		call4("GET", functions+"/kept:1?Qualifier=$LATEST", 400, parameter, "The derived qualifier from the function name does not match the specified qualifier."),
		call4("GET", functions+"/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Akept", 404, notFound, "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"),
		call4("GET", functions+"/arn:aws:lambda:us-east-1:123456789012:function:kept", 403, "AccessDeniedException", "lambda:GetFunction"),
		call4("DELETE", functions+"/gone", 404, notFound, "Function not found"),
		call4("DELETE", kept+"?Qualifier=$LATEST", 400, parameter, "$LATEST version cannot be deleted without deleting the function."),
		call4("DELETE", functions+"/kept:1?Qualifier=2", 400, parameter, "derived qualifier"),
		call4("GET", functions+"?MaxItems=many", 400, serial, "STRING_VALUE can not be converted to an Integer"),
		call4("GET", functions+"?MaxItems=0", 400, validation, "Value '0' at 'maxItems'"),
		call4("GET", functions+"?MaxItems=-99999999999999999999", 400, serial, "Integer"),
		call4("GET", functions+"?Marker=%2E%2E", 400, parameter, "Marker"),
		call4("GET", functions+"?Marker=QQ", 400, parameter, "Marker"),
		call4("GET", functions+"?FunctionVersion=SOME", 400, validation, "at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]"),
		call4("GET", "/_lambent/code/abc", 403, "AccessDeniedException", "link"),
		call4("GET", "/_lambent/code/abc?expires=99999999999&signature=00", 403, "AccessDeniedException", "link"),
	}
}

func badEvents() []malformed {
	b64 := base64.StdEncoding.EncodeToString
	const notJSON = "Could not parse request body into json: Could not parse payload into json: "
	return []malformed{
		event(`{`).says(content, notJSON+"Unexpected end-of-input"),
		event(`{"a":1,}`).says(content, notJSON),
		event(`{} x`).says(content, notJSON),
		event(` `).says(content, notJSON),
		event(`badbod`).says(content, notJSON+"Unrecognized token 'badbod': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"),
		event("{\"a\":\"\xc3\x28\"}").says(content, notJSON+"Invalid UTF-8 start byte 0xc3"),
		event(strings.Repeat("[", 100_000)).says(content, notJSON),
		// recorded
		event("n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt").says(content, notJSON+"Invalid UTF-8 start byte 0x87\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 3]"),
		// recorded
		event("\x99\xeb,j\x07\xa1zYh").says(content, notJSON+"Unexpected character ((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]"),
		event(`{}`, "X-Amz-Invocation-Type", "Later").says(validation, "Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"),
		event(`{}`, "X-Amz-Log-Type", "Head").says(validation, "at 'logType'"),
		event(`{}`, "X-Amz-Client-Context", "%%%").says(content, "Client context must be a valid Base64-encoded JSON object."),
		event(`{}`, "X-Amz-Client-Context", b64([]byte("no json"))).says(content, "Client context"),
		event(`{}`, "X-Amz-Client-Context", b64([]byte("[1]"))).says(content, "Client context"),
		event(`{}`, "X-Amz-Client-Context", b64([]byte("null"))).says(content, "Client context"),
		event(`{}`, "X-Amz-Client-Context", b64([]byte(`{"a":"`+strings.Repeat("x", 4096)+`"}`))).says(content, "3583 bytes"),
		event(`{}`, "X-Amz-Tenant-Id", "t*").says(validation, "Value 't*' at 'tenantId'"),
		event(`{}`, "X-Amz-Durable-Execution-Name", "d").says(parameter, "DurableExecutionName"),
		{method: "POST", target: functions + "/kept/invocations", body: `"` + strings.Repeat("x", lambda.MaxPayload) + `"`, status: 413, kind: "RequestEntityTooLargeException", text: "Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
		{method: "POST", target: functions + "/kept/invocations", body: `"` + strings.Repeat("x", 1<<20) + `"`, header: []string{"X-Amz-Invocation-Type", "Event"}, status: 413, kind: "RequestEntityTooLargeException", text: "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)"},
	}
}

// Every bad request gets an error in AWS's shape and changes nothing.
func TestMalformedRequests(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "kept"})
	before, writes := clone(b.memory.functions[id("kept")]), b.memory.writes
	all := slices.Concat(badCreations(), badCalls(), badEvents(), badLayerRequests(), badLayerUses(), badProviders())
	if len(all) < 60 {
		t.Fatalf("only %d requests", len(all))
	}
	for _, m := range all {
		r := b.do(m.method, m.target, m.body, m.header...)
		name := fmt.Sprintf("%s %.80s %.120s", m.method, m.target, m.body)
		if r.Code != m.status || r.kind() != m.kind || !strings.Contains(r.text(), m.text) {
			t.Errorf("%s:\n got %d %s %.400s\nwant %d %s %.400s", name, r.Code, r.kind(), r.text(), m.status, m.kind, m.text)
		}
		checkShape(t, name, r)
	}
	if b.memory.writes != writes || len(b.memory.functions) != 1 || len(b.memory.blobs) != 1 || len(b.memory.directory) != 1 {
		t.Errorf("a bad request changed something: %d writes, %d functions, %d blobs", b.memory.writes-writes, len(b.memory.functions), len(b.memory.blobs))
	}
	if diff := cmp.Diff(before, b.memory.functions[id("kept")]); diff != "" {
		t.Errorf("the function changed: %s", diff)
	}
}

// checkShape holds what every error has.
func checkShape(t *testing.T, name string, r reply) {
	t.Helper()
	if r.kind() == "" || r.text() == "" {
		t.Errorf("%s: %d without kind or text: %s", name, r.Code, r.Body)
	}
	if !uuidShape.MatchString(r.Header().Get("X-Amzn-Requestid")) {
		t.Errorf("%s: no request id", name)
	}
	if got := r.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("%s: content type %q", name, got)
	}
	if r.Code < 400 || r.Code == http.StatusInternalServerError {
		t.Errorf("%s: status %d", name, r.Code)
	}
}
