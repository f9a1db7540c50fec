package compat

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

func tagScenarios() []scenario {
	all := []scenario{
		{recording: "TestLambdaTag::test_create_tag_on_fn_create", perform: tagsOnCreate},
		{recording: "TestLambdaTag::test_tag_lifecycle", perform: tagLifecycle},
		{recording: "TestLambdaTag::test_tag_lifecycle[lambda_function]", perform: tagLifecycle},
		{recording: "TestLambdaTags::test_tag_exceptions", perform: tagFunctionExceptions},
		{recording: "TestLambdaTags::test_tag_limits", perform: tagLimits},
	}
	for resource, kind := range map[string]string{
		"lambda_function": "function", "event_source_mapping": "event-source-mapping", "capacity_provider": "capacity-provider",
	} {
		all = append(all, scenario{
			recording: "TestLambdaTag::test_tag_exceptions[" + resource + "]",
			perform:   func(s *session) { tagExceptions(s, kind) },
		})
	}
	return all
}

type tags = map[string]string

func tag(arn string, tags tags) *lambda.TagResourceInput {
	return &lambda.TagResourceInput{Resource: &arn, Tags: tags}
}

func untag(arn string, keys ...string) *lambda.UntagResourceInput {
	return &lambda.UntagResourceInput{Resource: &arn, TagKeys: append([]string{}, keys...)}
}

func tagsOf(arn string) *lambda.ListTagsInput { return &lambda.ListTagsInput{Resource: &arn} }

func tagsOnCreate(s *session) {
	s.bind("<custom-tag>", "a tag of our own")
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py",
		func(in *lambda.CreateFunctionInput) { in.Tags = tags{"testtag": "a tag of our own"} }))
	see(s, "get_function_result", s.api.GetFunction, get(name))
	see(s, "list_tags_result", s.api.ListTags, tagsOf(arnOf("function:"+name)))
}

func tagLifecycle(s *session) {
	arn := arnOf("function:" + s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py")))
	for _, step := range []struct {
		name string
		add  tags
	}{
		{"tag_single_response", tags{"A": "tag-a"}},
		{"tag_multiple_response", tags{"B": "tag-b", "C": "tag-c"}},
		{"tag_overlap_response", tags{"C": "tag-c-newsuffix", "D": "tag-d"}},
	} {
		see(s, step.name, s.api.TagResource, tag(arn, step.add))
		see(s, step.name+"_listtags", s.api.ListTags, tagsOf(arn))
	}
	for _, step := range []struct {
		name string
		keys []string
	}{
		{"untag_single_response", []string{"A"}},
		{"untag_multiple_response", []string{"B", "C"}},
		{"untag_nonexisting_response", []string{"X"}},
		{"untag_existing_and_nonexisting_response", []string{"D", "X"}},
	} {
		see(s, step.name, s.api.UntagResource, untag(arn, step.keys...))
		see(s, step.name+"_listtags", s.api.ListTags, tagsOf(arn))
	}
}

func tagExceptions(s *session, kind string) {
	id := "00000000-0000-4000-8000-000000000000" // the form that event source mappings must have
	s.bind("<resource-name>", id)
	arn := arnOf(kind + ":" + id)
	see(s, "not_found_exception_tag", s.api.TagResource, tag(arn, tags{"A": "B"}))
	see(s, "not_found_exception_untag", s.api.UntagResource, untag(arn, "A"))
	see(s, "not_found_exception_list", s.api.ListTags, tagsOf(arn))
	see(s, "aliased_arn_exception", s.api.TagResource, tag(arn+":alias", tags{"A": "B"}))
	see(s, "invalid_arn_exception", s.api.TagResource, tag(arnOf("foobar:"+id), tags{"A": "B"}))
}

func tagFunctionExceptions(s *session) {
	arn := arnOf("function:" + s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py")))
	see(s, "tag_lambda_invalidarn", s.api.TagResource, tag("arn:aws:something", tags{"key_a": "value_a"}))
	see(s, "tag_lambda_doesnotexist", s.api.TagResource, tag(arnOf("function:doesnotexist"), tags{"key_a": "value_a"}))
	see(s, "tag_lambda_qualifier_doesnotexist", s.api.TagResource, tag(arn+":v1", tags{"key_a": "value_a"}))
	see(s, "tag_empty_tags", s.api.TagResource, tag(arn, tags{}))
	see(s, "untag_empty_keys", s.api.UntagResource, untag(arn))
	see(s, "untag_nomatch", s.api.UntagResource, untag(arn, "key_z"))
	see(s, "list_tag_lambda_empty", s.api.ListTags, tagsOf(arn))
}

func numbered(n int) tags {
	all := tags{}
	for i := range n {
		all[fmt.Sprintf("%d_key", i)] = fmt.Sprintf("%d_value", i)
	}
	return all
}

func tagLimits(s *session) {
	name := s.name("<function-name:1>")
	arn := arnOf("function:" + name)
	see(s, "create_function_invalid_tags", s.api.CreateFunction, s.usual(name, "handler.handler", "echo.py",
		func(in *lambda.CreateFunctionInput) { in.Tags = numbered(51) }))
	s.create(s.usual(name, "handler.handler", "echo.py"))
	see(s, "tag_lambda_too_many_tags", s.api.TagResource, tag(arn, numbered(51)))
	see(s, "tag_response", s.api.TagResource, tag(arn, numbered(50)))
	see(s, "list_tags_response", s.api.ListTags, tagsOf(arn))
	see(s, "get_fn_response", s.api.GetFunction, get(name))
	see(s, "tag_lambda_too_many_tags_additional", s.api.TagResource, tag(arn, tags{"one_more_key": "one_more_value"}))
}
