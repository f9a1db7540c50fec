package lambda

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseReference(t *testing.T) {
	tests := map[string]Reference{
		"thumbnail":                                 {Name: "thumbnail"},
		"thumbnail:$LATEST":                         {Name: "thumbnail", Qualifier: "$LATEST"},
		"thumbnail:7":                               {Name: "thumbnail", Qualifier: "7"},
		"function:thumbnail":                        {Name: "thumbnail"},
		"with.dots":                                 {Name: "with.dots"},
		"123456789012:function:thumbnail":           {Account: "123456789012", Name: "thumbnail"},
		"123456789012:function:thumbnail:live":      {Account: "123456789012", Name: "thumbnail", Qualifier: "live"},
		"us-east-1:123456789012:function:thumbnail": {Region: "us-east-1", Account: "123456789012", Name: "thumbnail"},
		"arn:aws:lambda:eu-west-3:123456789012:function:thumbnail":         {Region: "eu-west-3", Account: "123456789012", Name: "thumbnail"},
		"arn:aws-us-gov:lambda:us-gov-east-1:123456789012:function:f:live": {Region: "us-gov-east-1", Account: "123456789012", Name: "f", Qualifier: "live"},
		"function":            {Name: "function"},
		"function:$LATEST":    {Name: "function", Qualifier: "$LATEST"},
		"f:$LATEST.PUBLISHED": {Name: "f", Qualifier: "$LATEST.PUBLISHED"},
	}
	for in, want := range tests {
		var v Violations
		got := NameToRead.Parse(in, &v)
		if err := v.Err(); err != nil {
			t.Errorf("Parse(%q): %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parse(%q): -want +got\n%s", in, diff)
		}
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	const read = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`
	for _, in := range []string{
		"", " ", "a b", "a/b", "näme", "a:b:c:d", "f:", ":f", "f:$OTHER", "f\n", "arn:aws:s3:::bucket",
		"arn:aws:lambda:us-east-1:12345:function:f", "arn:aws:lambda:us-east-1:123456789012:layer:f:1:2",
	} {
		var v Violations
		NameToRead.Parse(in, &v)
		want := "1 validation error detected: Value '" + in + "' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " + read
		if got := message(v.Err()); got != want {
			t.Errorf("Parse(%q):\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestParseReferenceBoundsLength(t *testing.T) {
	tests := []struct {
		rule NameRule
		in   string
		want string
	}{
		{NameToCreate, strings.Repeat("a", 65), "Member must have length less than or equal to 64"},
		{NameToCreate, "arn:aws:lambda:us-east-1:123456789012:function:" + strings.Repeat("a", 100), "Member must have length less than or equal to 140"},
		{NameToRead, strings.Repeat("a", 171), "Member must have length less than or equal to 170"},
		{NameToDelete, strings.Repeat("a", 141), "Member must have length less than or equal to 140"},
		{NameToRead, strings.Repeat("é", 1<<20), "Member must satisfy regular expression pattern: "},
	}
	for _, tt := range tests {
		var v Violations
		tt.rule.Parse(tt.in, &v)
		got := message(v.Err())
		if !strings.Contains(got, tt.want) {
			t.Errorf("%.40s: got %.200s, want %s", tt.in, got, tt.want)
		}
		if len(got) > 2*maxShownValue {
			t.Errorf("%.40s: %d bytes are echoed", tt.in, len(got))
		}
	}
}

func TestCreateRefusesDots(t *testing.T) {
	var v Violations
	NameToCreate.Parse("with.dots", &v)
	if v.Err() == nil {
		t.Error("a name with a dot was accepted")
	}
}

func TestResolveRegion(t *testing.T) {
	_, err := Reference{Region: "eu-west-1", Name: "f"}.Resolve("000000000000", "us-east-1")
	if got, want := message(err), "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	id, err := Reference{Account: "123456789012", Name: "f"}.Resolve("000000000000", "us-east-1")
	if err != nil || id.ARN() != "arn:aws:lambda:us-east-1:123456789012:function:f" {
		t.Errorf("got %v, %v", id, err)
	}
}

func TestMergeQualifier(t *testing.T) {
	tests := []struct {
		inName, parameter, want string
		fails                   bool
	}{
		{"", "", "", false},
		{"", "2", "2", false},
		{"2", "", "2", false},
		{"2", "2", "2", false},
		{"1", "$LATEST", "", true},
	}
	for _, tt := range tests {
		got, err := Reference{Qualifier: tt.inName}.MergeQualifier(tt.parameter)
		if got != tt.want || (err != nil) != tt.fails {
			t.Errorf("%q with %q = %q, %v", tt.inName, tt.parameter, got, err)
		}
		if tt.fails && message(err) != "The derived qualifier from the function name does not match the specified qualifier." {
			t.Errorf("text: %v", err)
		}
	}
}

func TestCheckQualifier(t *testing.T) {
	for _, good := range []string{"", "1", "$LATEST", "$LATEST.PUBLISHED", "live", "a-b_c", "$x"} {
		var v Violations
		if CheckQualifier(good, &v); v.Err() != nil {
			t.Errorf("%q: %v", good, v.Err())
		}
	}
	var v Violations
	CheckQualifier("invalid-qualifier-with-?-char", &v)
	// As recorded from the service.
	want := `1 validation error detected: Value 'invalid-qualifier-with-?-char' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`
	if got := message(v.Err()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// message returns the text that a caller would see.
func message(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Message
}

// FuzzReference holds that what parses names a function that can be written back and
// read again to the same, and that nothing else gets through.
func FuzzReference(f *testing.F) {
	for _, seed := range []string{
		"f", "f:1", "f:$LATEST", "123456789012:function:f", "arn:aws:lambda:us-east-1:123456789012:function:f:live",
		"function:function:function", "", ":::", "arn:aws:lambda:", "us-east-1:f", "a.b:$LATEST.PUBLISHED", "\xff", "f\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, rule := range []NameRule{NameToCreate, NameToRead, NameToDelete} {
			var v Violations
			ref := rule.Parse(in, &v)
			if v.Err() != nil {
				continue
			}
			id, err := ref.Resolve("000000000000", ref.Region)
			if err != nil {
				t.Fatalf("%q: %v", in, err)
			}
			if id.Region == "" {
				id.Region = "us-east-1"
			}
			var again Violations
			back := NameToRead.Parse(id.QualifiedARN(ref.Qualifier), &again)
			if len(id.QualifiedARN(ref.Qualifier)) <= 170 && (back.Name != ref.Name || back.Qualifier != ref.Qualifier || again.Err() != nil) {
				t.Fatalf("%q became %+v, then %+v (%v)", in, ref, back, again.Err())
			}
		}
	})
}

// FuzzQualifier holds that an accepted qualifier cannot leave its place in an ARN.
func FuzzQualifier(f *testing.F) {
	for _, seed := range []string{"", "1", "$LATEST", "a:b", "$LATEST.PUBLISHED", "é", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var v Violations
		if CheckQualifier(in, &v); v.Err() == nil && (strings.ContainsAny(in, ":/% \n\x00") || len(in) > maxQualifier) {
			t.Errorf("%q was accepted", in)
		}
	})
}
