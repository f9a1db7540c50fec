package compat

import (
	"archive/zip"
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const role = "arn:aws:iam::" + account + ":role/lambda-role"

// arnOf is the ARN of a resource of Lambda, "function:name:1" for instance.
func arnOf(resource string) string {
	return "arn:aws:lambda:" + region + ":" + account + ":" + resource
}

// pack zips a handler of testdata under the name that a scenario calls it.
func (s *session) pack(handler, source string) []byte {
	s.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "handlers", source))
	if err != nil {
		s.Fatal(err)
	}
	file, _, _ := strings.Cut(handler, ".")
	return s.archive(file+".py", text, "")
}

func (s *session) archive(name string, text []byte, comment string) []byte {
	s.Helper()
	packed, err := archive(name, text, comment)
	if err != nil {
		s.Fatal(err)
	}
	return packed
}

// archive is a zip of one file.
func archive(name string, text []byte, comment string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(text); err != nil {
		return nil, err
	}
	if err := errors.Join(w.SetComment(comment), w.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// runtime is what stands in for a recorded runtime on this host: itself, if it is here.
func (s *session) runtime(recorded string) types.Runtime {
	s.Helper()
	here := suite.runtimes.standIn(recorded)
	for other, taken := range s.runtimes {
		if other != recorded && taken == here {
			s.Skipf("needs two Pythons: this host has only %s", here)
		}
	}
	s.runtimes[recorded] = here
	return types.Runtime(here)
}

// change is a wish about a function that is to be created.
type change = func(*lambda.CreateFunctionInput)

// bare asks for a function with nothing but what must be said.
func (s *session) bare(name, handler, source string, changes ...change) *lambda.CreateFunctionInput {
	s.Helper()
	in := &lambda.CreateFunctionInput{
		FunctionName: aws.String(name),
		Role:         aws.String(role),
		Handler:      aws.String(handler),
		Runtime:      s.runtime("python3.12"),
		Code:         &types.FunctionCode{ZipFile: s.pack(handler, source)},
	}
	for _, c := range changes {
		c(in)
	}
	return in
}

// usual asks for a function as the recorded tests usually do: with half a minute of time
// and an empty environment.
func (s *session) usual(name, handler, source string, changes ...change) *lambda.CreateFunctionInput {
	s.Helper()
	return s.bare(name, handler, source, append([]change{seconds(30), environment(map[string]string{})}, changes...)...)
}

func seconds(n int32) change {
	return func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(n) }
}

func megabytes(n int32) change {
	return func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(n) }
}

func environment(variables map[string]string) change {
	return func(in *lambda.CreateFunctionInput) { in.Environment = &types.Environment{Variables: variables} }
}

func (s *session) python(recorded string) change {
	return func(in *lambda.CreateFunctionInput) {
		delete(s.runtimes, "python3.12")
		in.Runtime = s.runtime(recorded)
	}
}

// settledWait is how long a function may take to become active or updated.
const settledWait = 30 * time.Second

// active waits with the SDK's waiter until a function has been created.
func (s *session) active(name string) {
	s.Helper()
	w := lambda.NewFunctionActiveV2Waiter(s.api, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 200*time.Millisecond
	})
	if err := w.Wait(s.Context(), &lambda.GetFunctionInput{FunctionName: &name}, settledWait); err != nil {
		s.Fatalf("waiting for %s: %v", name, err)
	}
}

// updated waits with the SDK's waiter until the last update is done.
func (s *session) updated(name string) {
	s.Helper()
	w := lambda.NewFunctionUpdatedV2Waiter(s.api, func(o *lambda.FunctionUpdatedV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 200*time.Millisecond
	})
	if err := w.Wait(s.Context(), &lambda.GetFunctionInput{FunctionName: &name}, settledWait); err != nil {
		s.Fatalf("waiting for the update of %s: %v", name, err)
	}
}

// create makes a function that no recording shows and waits for it.
func (s *session) create(in *lambda.CreateFunctionInput) string {
	s.Helper()
	do(s, s.api.CreateFunction, in)
	s.active(*in.FunctionName)
	return *in.FunctionName
}

func get(name string) *lambda.GetFunctionInput { return &lambda.GetFunctionInput{FunctionName: &name} }

func getConfiguration(name string) *lambda.GetFunctionConfigurationInput {
	return &lambda.GetFunctionConfigurationInput{FunctionName: &name}
}

func remove(name string) *lambda.DeleteFunctionInput {
	return &lambda.DeleteFunctionInput{FunctionName: &name}
}

// byClient is why a step is left out that never reached the service.
const byClient = "refused by Python's SDK, never sent"

func functionScenarios() []scenario {
	return []scenario{
		{recording: "TestLambdaFunction::test_function_lifecycle", perform: functionLifecycle},
		{
			recording: "TestLambdaFunction::test_create_lambda_exceptions", perform: createExceptions,
			except: map[string]string{"empty_architectures": byClient},
		},
		{recording: "TestLambdaBaseFeatures::test_function_state", perform: functionState},
		{recording: "TestLambdaCleanup::test_recreate_function", perform: recreate},
		{recording: "TestLambdaSizeLimits::test_large_environment_variables_fails", perform: largeVariable},
		{recording: "TestLambdaSizeLimits::test_large_environment_fails_multiple_keys", perform: largeVariables},
		{recording: "TestLambdaSnapStart::test_snapstart_exceptions", perform: snapStartExceptions},
		{recording: "TestLambdaSnapStart::test_snapstart_update_function_configuration[python3.12]", perform: snapStartUpdate("python3.12")},
		{recording: "TestLambdaSnapStart::test_snapstart_update_function_configuration[python3.13]", perform: snapStartUpdate("python3.13")},
		{recording: "TestLambdaImages::test_lambda_zip_file_to_image", perform: zipToImage},
		{
			recording: "TestLambdaBehavior::test_mixed_architecture", perform: mixedArchitecture,
			differs: map[string]string{"update_function_code_response": "this host cannot run arm64, and Lambent does not promise what it cannot do"},
		},
	}
}

func functionLifecycle(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create_response", s.api.CreateFunction, s.usual(name, "handler.handler", "echo.py", seconds(5), megabytes(256)))
	s.active(name)
	see(s, "get_function_response", s.api.GetFunction, get(name))
	see(s, "update_func_conf_response", s.api.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, Runtime: s.runtime("python3.11"), Description: aws.String("Changed-Description"),
		MemorySize: aws.Int32(512), Timeout: aws.Int32(10), Environment: &types.Environment{Variables: map[string]string{"ENV_A": "a"}},
	})
	s.updated(name)
	see(s, "get_function_response_postupdate", s.api.GetFunction, get(name))
	see(s, "update_code_response", s.api.UpdateFunctionCode, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: s.pack("handler.handler", "second.py")})
	s.updated(name)
	see(s, "get_function_response_postcodeupdate", s.api.GetFunction, get(name))
	see(s, "delete_response", s.api.DeleteFunction, remove(name))
	see(s, "delete_postdelete", s.api.DeleteFunction, remove(name))
}

func createExceptions(s *session) {
	for step, wish := range map[string]change{
		"invalid_role_arn_exc":   func(in *lambda.CreateFunctionInput) { in.Role = aws.String("r1") },
		"invalid_runtime_exc":    func(in *lambda.CreateFunctionInput) { in.Runtime = "non-existent-runtime" },
		"uppercase_runtime_exc":  func(in *lambda.CreateFunctionInput) { in.Runtime = "PYTHON3.9" },
		"multiple_architectures": func(in *lambda.CreateFunctionInput) { in.Architectures = []types.Architecture{"x86_64", "arm64"} },
		"uppercase_architecture": func(in *lambda.CreateFunctionInput) { in.Architectures = []types.Architecture{"X86_64"} },
		"invalid_zip_exc": func(in *lambda.CreateFunctionInput) {
			in.Code = &types.FunctionCode{ZipFile: []byte("this is not a zip file, just a random string")}
		},
	} {
		see(s, step, s.api.CreateFunction, s.bare("compat-never-created", "index.handler", "echo.py", wish))
	}
}

func functionState(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create-fn-response", s.api.CreateFunction, s.bare(name, "handler.handler", "echo.py"))
	s.active(name)
	see(s, "get-fn-response", s.api.GetFunction, get(name))
}

func recreate(s *session) {
	name := s.name("<function-name:1>")
	for _, step := range []string{"create_function_response_one", "create_function_response_two"} {
		see(s, step, s.api.CreateFunction, s.usual(name, "lambda_echo.handler", "echo.py"))
		s.active(name)
		do(s, s.api.DeleteFunction, remove(name))
	}
}

// variable is the recorded environment, which the refusal quotes whole.
func (s *session) recordedVariables(step string) map[string]string {
	s.Helper()
	recorded, _ := s.rec.Step(step)
	message := recorded.(map[string]any)["message"].(string)
	_, quoted, _ := strings.Cut(message, measured)
	variables := map[string]string{}
	for key, value := range unpack(quoted).(map[string]any) {
		variables[key] = value.(string)
	}
	return variables
}

func largeVariable(s *session) {
	const step = "failed_create_fn_result"
	see(s, step, s.api.CreateFunction, s.usual("compat-never-created", "handler.handler", "echo.py", environment(s.recordedVariables(step))))
}

func largeVariables(s *session) {
	const step = "failured_create_fn_result_multi_key"
	see(s, step, s.api.CreateFunction, s.usual("compat-never-created", "handler.handler", "echo.py", environment(s.recordedVariables(step))))
}

func snapStartExceptions(s *session) {
	see(s, "create_function_invalid_snapstart_apply", s.api.CreateFunction, s.usual("compat-never-created", "handler.handler", "echo.py",
		func(in *lambda.CreateFunctionInput) { in.SnapStart = &types.SnapStart{ApplyOn: "invalidOption"} }))
}

func snapStartUpdate(runtime string) func(*session) {
	return func(s *session) {
		name := s.name("<function-name:1>")
		see(s, "create_function_response", s.api.CreateFunction, s.bare(name, "handler.handler", "echo.py", seconds(5), megabytes(1024), s.python(runtime)))
		s.active(name)
		see(s, "update_function_response", s.api.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: &name, SnapStart: &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions},
		})
	}
}

func zipToImage(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create-image-response", s.api.CreateFunction, s.bare(name, "handler.handler", "echo.py"))
	s.active(name)
	see(s, "get-function-code-response", s.api.GetFunction, get(name))
	see(s, "get-function-config-response", s.api.GetFunctionConfiguration, getConfiguration(name))
	see(s, "zipfile-to-image-error", s.api.UpdateFunctionCode, &lambda.UpdateFunctionCodeInput{
		FunctionName: &name, ImageUri: aws.String(account + ".dkr.ecr." + region + ".amazonaws.com/image:latest"),
	})
	see(s, "get-function-code-response-after-update", s.api.GetFunction, get(name))
	see(s, "get-function-config-response-after-update", s.api.GetFunctionConfiguration, getConfiguration(name))
}

func mixedArchitecture(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create_function_response", s.api.CreateFunction, s.usual(name, "handler.handler", "echo.py",
		func(in *lambda.CreateFunctionInput) { in.Architectures = []types.Architecture{"x86_64"} }))
	s.active(name)
	_, err := s.api.UpdateFunctionCode(s.Context(), &lambda.UpdateFunctionCodeInput{
		FunctionName: &name, ZipFile: s.pack("handler.handler", "second.py"), Architectures: []types.Architecture{"arm64"},
	})
	if err == nil || s.wire.last.Status != http.StatusBadRequest {
		s.Errorf("update_function_code_response: answered %d %s, and is known to be refused", s.wire.last.Status, s.wire.last.Body)
	}
}
