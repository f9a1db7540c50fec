package sdk

import (
	"errors"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestTags(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	arn := deploy(t, client, creation(t, "echo", "app.py", "app.echo")).FunctionArn
	tagged := func(want map[string]string) {
		t.Helper()
		out, err := client.ListTags(t.Context(), &lambda.ListTagsInput{Resource: arn})
		if err != nil || out.Tags == nil {
			t.Fatalf("%+v, %v", out, err)
		}
		if !maps.Equal(want, out.Tags) {
			t.Errorf("tags %v, want %v", out.Tags, want)
		}
	}
	tagged(map[string]string{})
	if err := tag(t, client, arn, map[string]string{"team": "shop", "A b+c": "ü/=@"}); err != nil {
		t.Fatal(err)
	}
	tagged(map[string]string{"team": "shop", "A b+c": "ü/=@"})
	if got := getFunction(t, client, "echo").Tags; got["team"] != "shop" {
		t.Errorf("GetFunction shows %v", got)
	}
	untag(t, client, arn, "A b+c", "other")
	tagged(map[string]string{"team": "shop"})
}

func tag(t *testing.T, client *lambda.Client, arn *string, tags map[string]string) error {
	t.Helper()
	_, err := client.TagResource(t.Context(), &lambda.TagResourceInput{Resource: arn, Tags: tags})
	return err
}

func untag(t *testing.T, client *lambda.Client, arn *string, keys ...string) {
	t.Helper()
	if _, err := client.UntagResource(t.Context(), &lambda.UntagResourceInput{Resource: arn, TagKeys: keys}); err != nil {
		t.Errorf("untagging %v: %v", keys, err)
	}
}

// A setting among the tags acts on the next invocation: it meets no instance of the old
// one. Other tags leave instances alone.
func TestSettingTagsMakeNewInstances(t *testing.T) {
	needs(t)
	client := up(t, t.TempDir()).client()
	arn := deploy(t, client, creation(t, "echo", "app.py", "app.echo")).FunctionArn
	warm := func() bool {
		t.Helper()
		return headersOf(t, invoke(t, client, "echo", `1`)).Get("X-Lambent-Start") == "warm"
	}
	if warm(); !warm() {
		t.Fatal("the second invocation is not warm")
	}
	if err := tag(t, client, arn, map[string]string{"team": "shop"}); err != nil || !warm() {
		t.Errorf("an ordinary tag made the instance leave, %v", err)
	}
	if err := tag(t, client, arn, map[string]string{"lambent:cpu": "0.5"}); err != nil || warm() {
		t.Errorf("a new limit met the old instance, %v", err)
	}
	untag(t, client, arn, "lambent:cpu")
	if warm() {
		t.Error("without the limit it met the limited instance")
	}
	var parameter *types.InvalidParameterValueException
	if err := tag(t, client, arn, map[string]string{"lambent:isolation": "none"}); !errors.As(err, &parameter) {
		t.Errorf("an unknown tier: %v", err)
	}
	if !warm() {
		t.Error("a refused tag made the instance leave")
	}
	var gone *types.ResourceNotFoundException
	if err := tag(t, client, aws.String(*arn+"2"), map[string]string{"a": "b"}); !errors.As(err, &gone) {
		t.Errorf("an unknown function: %v", err)
	}
}
