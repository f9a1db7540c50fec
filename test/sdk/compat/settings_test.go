package compat

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func accountScenarios() []scenario {
	return []scenario{
		{recording: "TestLambdaAccountSettings::test_account_settings", perform: accountSettings},
		{
			recording: "TestLambdaAccountSettings::test_account_settings_total_code_size", perform: totalCodeSize, alone: true,
			note: "the packages are made as large as the recorded ones",
		},
	}
}

func accountSettings(s *session) {
	do(s, s.api.GetAccountSettings, &lambda.GetAccountSettingsInput{})
	observed, err := s.wire.last.Observed()
	if err != nil {
		s.Fatal(err)
	}
	for _, key := range []string{"AccountLimit", "AccountUsage"} { // the recording keeps the names of members only
		members, _ := observed[key].(map[string]any)
		var names []any
		for _, name := range slices.Sorted(maps.Keys(members)) {
			names = append(names, name)
		}
		observed[key] = names
	}
	s.seeValue("acc_settings_modded", observed)
}

// ofSize is a package of so many bytes: the comment of an archive fills it up.
func (s *session) ofSize(n int, file string) []byte {
	s.Helper()
	text := []byte("def handler(event, context):\n    return event\n")
	small := s.archive(file, text, "")
	return s.archive(file, text, string(bytes.Repeat([]byte("."), n-len(small))))
}

func totalCodeSize(s *session) {
	total := func() float64 {
		return float64(do(s, s.api.GetAccountSettings, &lambda.GetAccountSettingsInput{}).AccountUsage.TotalCodeSize)
	}
	name, layer := s.name("<function-name:1>"), s.name("<resource:1>")
	sum := total()
	grows := func(step string) {
		s.Helper()
		now := total()
		s.seeValue(step, now-sum)
		sum = now
	}
	const function, content = 276, 169 // recorded sizes of the two packages
	in := s.usual(name, "handler.handler", "echo.py")
	in.Code = &types.FunctionCode{ZipFile: s.ofSize(function, "handler.py")}
	s.create(in)
	grows("total_code_size_diff_create_function")
	do(s, s.api.UpdateFunctionCode, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: in.Code.ZipFile, Publish: true})
	grows("total_code_size_diff_update_function")
	version := s.layer(layer)
	version.Content.ZipFile = s.ofSize(content, "a")
	do(s, s.api.PublishLayerVersion, version)
	grows("total_code_size_diff_publish_layer")
	do(s, s.api.PublishLayerVersion, version)
	grows("total_code_size_diff_publish_layer_version")
}

func settingScenarios() []scenario {
	all := []scenario{
		{recording: "TestLambdaReservedConcurrency::test_function_concurrency_exceptions", perform: concurrencyExceptions},
		{recording: "TestLambdaRecursion::test_put_function_recursion_config_allow", perform: allowRecursion},
		{recording: "TestLambdaRecursion::test_put_function_recursion_config_default_terminate", perform: terminateRecursion},
		{recording: "TestCodeSigningConfig::test_code_signing_not_found_excs", perform: noCodeSigning, except: exceptSigning()},
	}
	for variant, retries := range map[string]*int32{
		"test_assess_lambda_destination_invocation[Success-payload0]": nil,
		"test_assess_lambda_destination_invocation[payload0]":         aws.Int32(0),
		"test_assess_lambda_destination_invocation[payload1]":         aws.Int32(0),
		"test_lambda_destination_default_retries":                     nil,
	} {
		all = append(all, scenario{
			recording: "TestLambdaDestinationSqs::" + variant, perform: func(s *session) { eventInvokeConfig(s, retries) },
			except: map[string]string{"receive_message_result": "destinations are delivered to later"},
		})
	}
	return all
}

func concurrencyExceptions(s *session) {
	put := func(function string, n int32) *lambda.PutFunctionConcurrencyInput {
		return &lambda.PutFunctionConcurrencyInput{FunctionName: &function, ReservedConcurrentExecutions: &n}
	}
	see(s, "put_function_concurrency_with_function_name_doesnotexist", s.api.PutFunctionConcurrency, put("doesnotexist", 1))
	see(s, "put_function_concurrency_with_function_name_doesnotexist_and_invalid_concurrency", s.api.PutFunctionConcurrency, put("doesnotexist", 1_000_000))
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py"))
	see(s, "put_function_concurrency_with_qualified_arn", s.api.PutFunctionConcurrency, put(arnOf("function:"+name+":$LATEST"), 1))
}

func allowRecursion(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py"))
	see(s, "put_recursion_config_response", s.api.PutFunctionRecursionConfig,
		&lambda.PutFunctionRecursionConfigInput{FunctionName: &name, RecursiveLoop: types.RecursiveLoopAllow})
	see(s, "get_recursion_config_response", s.api.GetFunctionRecursionConfig, &lambda.GetFunctionRecursionConfigInput{FunctionName: &name})
}

func terminateRecursion(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py"))
	see(s, "get_recursion_default_terminate_response", s.api.GetFunctionRecursionConfig, &lambda.GetFunctionRecursionConfigInput{FunctionName: &name})
}

func noCodeSigning(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py"))
	see(s, "get_function_csc_nonexistingfn", s.api.GetFunctionCodeSigningConfig,
		&lambda.GetFunctionCodeSigningConfigInput{FunctionName: aws.String("csc-test-doesnotexist")})
	see(s, "get_function_csc_fnwithoutcsc", s.api.GetFunctionCodeSigningConfig, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: &name})
}

func exceptSigning() map[string]string {
	except := map[string]string{}
	for _, step := range strings.Fields(`create_code_signing_config delete_csc_notfound delete_function_csc_fnnotfound get_csc_invalid
		list_functions_by_csc_fnwithoutcsc list_functions_by_csc_invalid_cscarn nothing_to_delete_response put_function_csc_invalid_both
		put_function_csc_invalid_csc_arn put_function_csc_invalid_fnname update_csc_invalid_csc_arn update_csc_noupdate_response update_csc_noupdates`) {
		except[step] = noSigning
	}
	return except
}

func eventInvokeConfig(s *session, retries *int32) {
	queue := "arn:aws:sqs:" + region + ":" + account + ":" + s.name("<resource:1>")
	name := s.create(s.usual(s.name("<resource:2>"), "handler.handler", "echo.py"))
	see(s, "put_function_event_invoke_config", s.api.PutFunctionEventInvokeConfig, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: &name, MaximumRetryAttempts: retries,
		DestinationConfig: &types.DestinationConfig{
			OnSuccess: &types.OnSuccess{Destination: &queue}, OnFailure: &types.OnFailure{Destination: &queue},
		},
	})
}
