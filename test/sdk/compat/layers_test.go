package compat

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func layerScenarios() []scenario {
	return []scenario{
		{recording: "TestLambdaLayer::test_layer_exceptions", perform: layerExceptions},
		{recording: "TestLambdaLayer::test_layer_function_exceptions", perform: layerFunctionExceptions},
	}
}

func (s *session) layer(name string) *lambda.PublishLayerVersionInput {
	s.Helper()
	return &lambda.PublishLayerVersionInput{LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: s.pack("testlayer", "echo.py")}}
}

func layerExceptions(s *session) {
	name, empty := s.name("<resource:1>"), s.name("<resource:2>")
	in := s.layer(name)
	in.CompatibleRuntimes, in.CompatibleArchitectures = []types.Runtime{"python3.12"}, []types.Architecture{"x86_64"}
	see(s, "publish_result", s.api.PublishLayerVersion, in)
	badPublishes(s, name)
	badReads(s, name)
	badLists(s)
	badDeletes(s, name)
	see(s, "publish_empty_result", s.api.PublishLayerVersion, s.layer(empty))
}

func badPublishes(s *session, name string) {
	in := s.layer(name)
	in.CompatibleRuntimes, in.CompatibleArchitectures = []types.Runtime{"invalidruntime"}, []types.Architecture{"invalidarch"}
	see(s, "publish_layer_version_exc_invalid_runtime_arch", s.api.PublishLayerVersion, in)
	in.CompatibleRuntimes = []types.Runtime{"invalidruntime", "invalidruntime2", "nodejs20.x"}
	in.CompatibleArchitectures = []types.Architecture{"invalidarch", "x86_64"}
	see(s, "publish_layer_version_exc_partially_invalid_values", s.api.PublishLayerVersion, in)
}

func badReads(s *session, name string) {
	for step, in := range map[string]*lambda.GetLayerVersionInput{
		"get_layer_version_exc_layer_doesnotexist":                  {LayerName: aws.String("layer-does-not-exist"), VersionNumber: aws.Int64(1)},
		"get_layer_version_exc_layer_version_doesnotexist_negative": {LayerName: &name, VersionNumber: aws.Int64(-1)},
		"get_layer_version_exc_layer_version_doesnotexist_zero":     {LayerName: &name, VersionNumber: aws.Int64(0)},
		"get_layer_version_exc_layer_version_doesnotexist_2":        {LayerName: &name, VersionNumber: aws.Int64(2)},
	} {
		see(s, step, s.api.GetLayerVersion, in)
	}
	arn := arnOf("layer:" + name)
	see(s, "get_layer_version_by_arn_exc_invalidarn", s.api.GetLayerVersionByArn, &lambda.GetLayerVersionByArnInput{Arn: &arn})
	see(s, "get_layer_version_by_arn_exc_nonexistentversion", s.api.GetLayerVersionByArn, &lambda.GetLayerVersionByArnInput{Arn: aws.String(arn + ":2")})
}

func badLists(s *session) {
	see(s, "list_layers_exc_compatibleruntime_invalid", s.api.ListLayers, &lambda.ListLayersInput{CompatibleRuntime: "runtimedoesnotexist"})
	see(s, "list_layers_exc_compatiblearchitecture_invalid", s.api.ListLayers, &lambda.ListLayersInput{CompatibleArchitecture: "archdoesnotexist"})
	see(s, "list_nonexistent_layer", s.api.ListLayerVersions, &lambda.ListLayerVersionsInput{LayerName: aws.String("layer-does-not-exist")})
}

func badDeletes(s *session, name string) {
	version := func(layer string, n int64) *lambda.DeleteLayerVersionInput {
		return &lambda.DeleteLayerVersionInput{LayerName: &layer, VersionNumber: &n}
	}
	see(s, "delete_nonexistent_response", s.api.DeleteLayerVersion, version("layer-does-not-exist", 1))
	see(s, "delete_nonexistent_version_response", s.api.DeleteLayerVersion, version(name, 2))
	see(s, "delete_layer_version_exc_layerversion_invalid_version", s.api.DeleteLayerVersion, version(name, -1))
	see(s, "delete_layer_response", s.api.DeleteLayerVersion, version(name, 1))
	see(s, "delete_layer_again_response", s.api.DeleteLayerVersion, version(name, 1))
}

func layerFunctionExceptions(s *session) {
	name, layer := s.name("<function-name:1>"), s.name("<resource:1>")
	var versions []string
	for _, step := range []string{"publish_result", "publish_result_2", "publish_result_3"} {
		in := s.layer(layer)
		in.CompatibleArchitectures = []types.Architecture{"x86_64"}
		if out := see(s, step, s.api.PublishLayerVersion, in); out != nil {
			versions = append(versions, aws.ToString(out.LayerVersionArn))
		}
	}
	if len(versions) != 3 {
		return
	}
	s.create(s.usual(name, "handler.handler", "hello.py"))
	see(s, "get_fn_result", s.api.GetFunction, get(name))
	arn := arnOf("layer:" + layer)
	for step, layers := range map[string][]string{
		"two_layer_versions_single_function_exc":           versions[:2],
		"three_layer_versions_single_function_exc":         versions,
		"two_identical_layer_versions_single_function_exc": {versions[0], versions[0]},
		"add_nonexistent_layer_exc":                        {arnOf("layer:doesnotexist:1")},
		"add_nonexistent_layer_version_exc":                {arn + ":9"},
		"add_layer_arn_without_version_exc":                {arn},
	} {
		see(s, step, s.api.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Layers: layers})
	}
	see(s, "create_function_with_layer_in_different_region", s.api.CreateFunction, s.usual("compat-never-created", "handler.handler", "echo.py",
		func(in *lambda.CreateFunctionInput) {
			in.Layers = []string{strings.Replace(versions[0], region, "eu-west-3", 1)}
		}))
}
