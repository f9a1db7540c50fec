package lambda

import (
	"strings"
	"testing"
)

func TestParseLayerName(t *testing.T) {
	for in, want := range map[string]LayerID{
		"deps": {Name: "deps"},
		"arn:aws:lambda:eu-west-3:123456789012:layer:deps": {Account: "123456789012", Region: "eu-west-3", Name: "deps"},
	} {
		var v Violations
		if got := ParseLayerName(in, &v); got != want || v.Err() != nil {
			t.Errorf("ParseLayerName(%q) = %+v, %v", in, got, v.Err())
		}
	}
	for _, in := range []string{"", "a b", "a/b", "deps:1", "arn:aws:lambda:eu-west-3:123456789012:layer:deps:1", strings.Repeat("a", 141), strings.Repeat("a", 1<<20), "a\n"} {
		var v Violations
		if ParseLayerName(in, &v); v.Err() == nil {
			t.Errorf("ParseLayerName(%.50q) is accepted", in)
		}
	}
}

func TestParseLayerVersionARN(t *testing.T) {
	id := LayerID{Account: "123456789012", Region: "us-gov-east-1", Name: "deps"}
	for in, want := range map[string]int64{
		id.VersionARN(12):                     12,
		id.ARN() + ":99999999999999999999999": 0,
	} {
		var v Violations
		if got, number := ParseLayerVersionARN(in, &v); got != id || number != want || v.Err() != nil {
			t.Errorf("ParseLayerVersionARN(%q) = %+v, %d, %v", in, got, number, v.Err())
		}
	}
	var v Violations
	if got, number := ParseLayerVersionARN("arn:aws:lambda:::awslayer:tools", &v); got != (LayerID{}) || number != 0 || v.Err() != nil {
		t.Errorf("AWS's own layer: %+v, %d, %v", got, number, v.Err())
	}
	ParseLayerVersionARN(id.ARN(), &v)
	// recorded
	const want = `1 validation error detected: Value 'arn:aws:lambda:us-gov-east-1:123456789012:layer:deps' at 'arn' failed to satisfy constraint: ` +
		`Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)`
	if err := v.Err(); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("err = %v, want %s", err, want)
	}
}

func TestCheckLayerARNs(t *testing.T) {
	var v Violations
	CheckLayerARNs([]string{"arn:aws:lambda:us-east-1:123456789012:layer:deps:1"}, &v)
	if v.Err() != nil {
		t.Error(v.Err())
	}
	CheckLayerARNs([]string{"arn:aws:lambda:us-east-1:123456789012:layer:deps:1", "x"}, &v)
	// recorded
	const want = `1 validation error detected: Value '[arn:aws:lambda:us-east-1:123456789012:layer:deps:1, x]' at 'layers' failed to satisfy constraint: Member must satisfy constraint: ` +
		`[Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ` +
		`(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+), Member must not be null]`
	if err := v.Err(); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("err = %v, want %s", err, want)
	}
}
