package compat

import "slices"

// Reasons why a recording is out of scope.
const (
	noURLs        = "function URLs come later"
	noMappings    = "event source mappings come later"
	noImages      = "functions from images come later"
	noVPC         = "Lambent has networks of its own, no VPC"
	noNode        = "this runtime comes later: Node.js"
	noJava        = "this runtime comes later: Java"
	noDotnet      = "this runtime comes later: .NET"
	noSigning     = "code signing configurations are not offered: no function has one"
	noQueues      = "destinations and dead-letter queues come later"
	oneAccount    = "takes two accounts; no answer was recorded"
	theirEndpoint = "asks how LocalStack is called from inside; no answer was recorded"
)

// outside is every recording that is out of scope, with the reason.
func outside() []exclusion {
	return slices.Concat(
		excluded(noURLs, urls...),
		excluded(noMappings, mappings...),
		excluded(theirEndpoint, endpoints...),
		excluded(noImages, "TestLambdaImages::test_lambda_image_and_image_config_crud", "TestLambdaImages::test_lambda_image_crud"),
		excluded(noVPC, "TestLambdaFunction::test_invalid_vpc_config_subnet"),
		excluded(noDotnet, parametrized("TestLambdaSnapStart::test_snapstart_update_function_configuration", "dotnet10", "dotnet8")...),
		excluded(noJava, parametrized("TestLambdaSnapStart::test_snapstart_update_function_configuration", "java11", "java17", "java21", "java25")...),
		excluded(noNode,
			"TestLambdaFeatures::test_lambda_with_context",
			"TestLambdaFeatures::test_invocation_type_no_return_payload[nodejs-RequestResponse]",
			"TestLambdaFeatures::test_invocation_type_request_response[nodejs16.x]"),
		excluded(noJava, "TestJavaRuntimes::test_java_lambda_subscribe_sns_topic", "TestJavaRuntimes::test_java_runtime_with_lib"),
		excluded(noJava, parametrized("TestJavaRuntimes::test_serializable_input_object", "java11", "java17", "java21", "java25", "java8.al2")...),
		excluded(noSigning, "TestCodeSigningConfig::test_function_code_signing_config"),
		excluded(noQueues, "test_sqs_queue_as_lambda_dead_letter_queue"),
		excluded(oneAccount,
			"TestLambdaMultiAccounts::test_get_function",
			"TestLambdaMultiAccounts::test_get_function_configuration",
			"TestLambdaMultiAccounts::test_get_lambda_layer"),
	)
}

func excluded(reason string, recordings ...string) []exclusion {
	var all []exclusion
	for _, r := range recordings {
		all = append(all, exclusion{r, reason})
	}
	return all
}

// parametrized are the names of one test with each of its parameters.
func parametrized(test string, parameters ...string) []string {
	var all []string
	for _, p := range parameters {
		all = append(all, test+"["+p+"]")
	}
	return all
}

var urls = slices.Concat(
	[]string{
		"TestLambdaFunction::test_get_function_wrong_region[get_function_url_config]",
		"TestLambdaFunction::test_ops_on_nonexisting_fn[get_function_url_config]",
		"TestLambdaPermissions::test_lambda_permission_url_invocation",
		"TestLambdaURL::test_lambda_update_function_url_config",
		"TestLambdaURL::test_lambda_url_echo_http_fixture_trim_x_headers",
		"TestLambdaURL::test_lambda_url_form_payload",
		"TestLambdaURL::test_lambda_url_headers_and_status",
		"TestLambdaURL::test_lambda_url_invalid_invoke_mode",
		"TestLambdaURL::test_lambda_url_invocation_exception",
		"TestLambdaUrl::test_url_config_lifecycle",
		"TestLambdaUrl::test_url_config_list_paging",
	},
	parametrized("TestLambdaURL::test_lambda_url_echo_invoke", "BUFFERED", "None", "RESPONSE_STREAM"),
	parametrized("TestLambdaURL::test_lambda_url_invocation",
		"boolean", "dict", "float", "http-response-json", "http-response", "integer", "list-mixed", "string"),
)

var mappings = []string{
	"TestLambdaEventSourceMappings::test_event_source_mapping_lifecycle_delete_function",
	"TestLambdaEventSourceMappings::test_function_name_variations",
	"TestLambdaTag::test_create_tag_on_esm_create",
	"TestLambdaTag::test_tag_lifecycle[event_source_mapping]",
	"TestKinesisEventFiltering::test_kinesis_event_filtering_json_pattern",
	"TestKinesisSource::test_kinesis_event_source_mapping_with_s3_on_failure_destination",
	"TestKinesisSource::test_kinesis_event_source_mapping_with_sns_on_failure_destination_config",
	"TestKinesisSource::test_kinesis_maximum_record_age_exceeded[expire-before-ingestion]",
	"TestKinesisSource::test_kinesis_maximum_record_age_exceeded[expire-while-retrying]",
	"TestKinesisSource::test_kinesis_report_batch_item_failures",
	"TestSQSEventSourceMapping::test_sqs_event_source_mapping",
	"TestSQSEventSourceMapping::test_sqs_event_source_mapping_update",
	"test_redrive_policy_with_failing_lambda",
	"test_report_batch_item_failures_invalid_result_json_batch_fails",
}

var endpoints = slices.Concat(
	parametrized("TestLambdaCallingLocalstack::test_manual_endpoint_injection",
		"dotnet10", "dotnet6", "dotnet8", "java11", "java17", "java21", "java25", "java8.al2",
		"nodejs16.x", "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x",
		"python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "python3.8", "python3.9",
		"ruby3.2", "ruby3.3", "ruby3.4"),
	parametrized("TestGoProvidedRuntimes::test_manual_endpoint_injection", "provided.al2023", "provided.al2"),
)
