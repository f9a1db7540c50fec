package move

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

func TestReadPolicy(t *testing.T) {
	no := false
	text := `{"Version":"2012-10-17","Id":"default","Statement":[
		{"Sid":"all","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunctionUrl","Resource":"arn","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}},
		{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn",
		 "Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}},
		{"Sid":"them","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"lambda:InvokeFunction","Resource":"arn",
		 "Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"false"},"StringEquals":{"aws:PrincipalOrgID":"o-1","lambda:EventSourceToken":"t"}}},
		{"Sid":"role","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/r"},"Action":"lambda:*","Resource":"arn"},
		{"Sid":"deny","Effect":"Deny","Principal":"*","Action":"lambda:*","Resource":"arn"},
		{"Sid":"other","Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":"arn","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},
		{"Sid":"two","Effect":"Allow","Principal":{"AWS":["1","2"]},"Action":"lambda:*","Resource":"arn"}]}`
	got, unread := readPolicy("live", text)
	want := []Permission{
		{Qualifier: "live", Statement: "all", Action: "lambda:InvokeFunctionUrl", Principal: "*", URLAuth: "NONE"},
		{Qualifier: "live", Statement: "s3", Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com", SourceAccount: "123456789012", SourceARN: "arn:aws:s3:::b"},
		{Qualifier: "live", Statement: "them", Action: "lambda:InvokeFunction", Principal: "123456789012", Organisation: "o-1", Token: "t", ViaURL: &no},
		{Qualifier: "live", Statement: "role", Action: "lambda:*", Principal: "arn:aws:iam::123456789012:role/r"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`"deny"`, `"other"`, `"two"`}, unread); diff != "" {
		t.Error(diff)
	}
}

// FuzzReadPolicy holds that no statement is lost: each is read or named.
func FuzzReadPolicy(f *testing.F) {
	f.Add(`{"Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"lambda:*"}]}`)
	f.Add(`{"Statement":[1,null,{"Principal":{"AWS":":root"},"Effect":"Allow"}]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		got, unread := readPolicy("", text)
		for _, p := range got {
			if p.Principal == "" {
				t.Errorf("a statement for nobody: %+v", p)
			}
		}
		var policy struct{ Statement []json.RawMessage }
		if json.Unmarshal([]byte(text), &policy) == nil && len(got)+len(unread) != len(policy.Statement) {
			t.Errorf("%d read, %d named, of %d statements", len(got), len(unread), len(policy.Statement))
		}
	})
}

// What cannot be carried is named, each part of it.
func TestUnmovable(t *testing.T) {
	_, err := versionOf(&types.FunctionConfiguration{
		Version: aws.String("3"), PackageType: types.PackageTypeImage, VpcConfig: &types.VpcConfigResponse{SubnetIds: []string{"subnet-1"}},
	})
	if err == nil || err.Error() != "version 3 uses what cannot be moved: a container image, a VPC" {
		t.Error(err)
	}
}

func TestLayerNames(t *testing.T) {
	l := Layer{ARN: "arn:aws:lambda:us-east-1:000000000000:layer:shared:3"}
	if name, number, err := l.split(); name != "shared" || number != 3 || err != nil || l.title() != "shared:3" {
		t.Errorf("%s, %d, %v, %s", name, number, err, l.title())
	}
	for _, arn := range []string{"", "shared:3", "arn:aws:lambda:us-east-1:000000000000:function:shared:3", "arn:aws:lambda:us-east-1:000000000000:layer:shared:0", "arn:aws:lambda:us-east-1:000000000000:layer:shared:x"} {
		if _, _, err := (&Layer{ARN: arn}).split(); err == nil {
			t.Errorf("%q is taken for a layer", arn)
		}
	}
}
