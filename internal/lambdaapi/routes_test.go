package lambdaapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatchPathReadsEveryLabel(t *testing.T) {
	tests := []struct {
		pattern, path string
		want          labels // nil = no match
	}{
		{"/a/{X}", "/a/b", labels{"X": "b"}},
		{"/a/{X}/b/{Y}", "/a/1/b/2%2F3", labels{"X": "1", "Y": "2%2F3"}},
		{"/a/{X}/b/{Y}", "/a/1/b/", nil},
		{"/a/{X}/b/{Y}", "/a/1/b", nil},
		{"/a/{X}/b/{Y}", "/a/1/b/2/3", nil},
		{"/a/{X}/b", "/a//b", nil},
		{"/a", "/a", labels{}},
	}
	for _, tt := range tests {
		got := labels{}
		if ok := matchPath(tt.pattern, tt.path, got); ok != (tt.want != nil) {
			t.Errorf("%s with %s: %v", tt.pattern, tt.path, ok)
		} else if diff := cmp.Diff(tt.want, got); ok && diff != "" {
			t.Errorf("%s with %s:\n%s", tt.pattern, tt.path, diff)
		}
	}
}

func TestMatchDecodesLabels(t *testing.T) {
	m, err := match("GET", "/2015-03-31/functions/a%3Ab%2Fc/")
	if err != nil || m.route == nil || m.labels["FunctionName"] != "a:b/c" {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := match("GET", "/2015-03-31/functions/%zz"); err == nil {
		t.Error("a broken escape passed")
	}
	if m, err := match("PUT", "/2015-03-31/functions"); err != nil || m.route != nil || len(m.methods) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
}
