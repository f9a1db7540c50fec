package compat

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestCompareSeesDifferences(t *testing.T) {
	type m = map[string]any
	tests := []struct {
		name      string
		want, got any
		differs   string // part of what is said; "" if the two agree
	}{
		{"the same", m{"A": "b", "N": 1.0}, m{"A": "b", "N": 1.0}, ""},
		{"a value", m{"A": "b"}, m{"A": "c"}, `A is "c"`},
		{"a number", m{"A": 1.0}, m{"A": 2.0}, "A is 2"},
		{"a kind", m{"A": "1"}, m{"A": 1.0}, "A is 1"},
		{"a member too few", m{"A": "b"}, m{}, "A is missing"},
		{"a member too many", m{}, m{"A": "b"}, "recorded nothing"},
		{"null for a member", m{"A": m{}}, m{"A": nil}, "A is null"},
		{"a list's order", m{"A": []any{"b", "c"}}, m{"A": []any{"c", "b"}}, "A[0]"},
		{"a list's length", m{"A": []any{"b"}}, m{"A": []any{}}, "A is []"},
		{"a document as text", m{"P": m{"number": 0.0}}, m{"P": `{"number": 0}`}, ""},
		{"another document", m{"P": m{"number": 0.0}}, m{"P": `{"number": 1}`}, "P.number is 1"},
		{"one placeholder, one value", m{"A": "<uuid:1>", "B": "<uuid:1>"}, m{"A": id(1), "B": id(1)}, ""},
		{"one placeholder, two values", m{"A": "<uuid:1>", "B": "<uuid:1>"}, m{"A": id(1), "B": id(2)}, "B is"},
		{"two placeholders, one value", m{"A": "<uuid:1>", "B": "<uuid:2>"}, m{"A": id(1), "B": id(1)}, "are both"},
		{"not a UUID", m{"A": "<uuid:1>"}, m{"A": "1"}, "A is"},
		{"inside a text", m{"A": "fn <function-name:1>:7 of <function-name:1>"}, m{"A": "fn a:7 of b"}, "was \"a\" before"},
		{"the account", m{"A": "arn::111111111111:x"}, m{"A": "arn::000000000000:x"}, ""},
		{"another account", m{"A": "arn::111111111111:x"}, m{"A": "arn::111111111111:x"}, "A is"},
		{"a date", m{"A": "date"}, m{"A": "2026-01-02T03:04:05.678+0000"}, ""},
		{"another form of date", m{"A": "date"}, m{"A": "2026-01-02T03:04:05Z"}, "recorded date"},
		{"a size", m{"A": "<code-size>"}, m{"A": 0.0}, "A is 0"},
		{"a placeholder nobody knows", m{"A": "<moon:1>"}, m{"A": "x"}, "does not know"},
		{"an environment in another order", m{"A": measured + `{"a":"1","b":"2"}`}, m{"A": measured + `{"b":"2","a":"1"}`}, ""},
		{"another environment", m{"A": measured + `{"a":"1","b":"2"}`}, m{"A": measured + `{"b":"1","a":"2"}`}, "A is"},
	}
	for _, tt := range tests {
		said := strings.Join(Bindings{}.Compare(tt.want, tt.got), "\n")
		if (said == "") != (tt.differs == "") || !strings.Contains(said, tt.differs) {
			t.Errorf("%s: said %q, want %q", tt.name, said, tt.differs)
		}
	}
}

// Every recorded answer agrees with itself, and with nothing that lacks one of its
// members or has one more.
func TestEveryRecordedMemberCounts(t *testing.T) {
	for _, sc := range scenarios() {
		name, rec := sc.recording, suite.recordings[sc.recording]
		for step := range rec.Observed {
			if sc.leftOut()[step] != "" {
				continue
			}
			want, _ := rec.Step(step)
			if said := (Bindings{}).Compare(want, example(want)); len(said) > 0 {
				t.Fatalf("%s, %s: a recording differs from itself: %v", name, step, said)
			}
			everyObject(want, func(members map[string]any, key string) {
				value := members[key]
				delete(members, key)
				lacking := example(want)
				members[key] = value
				if len((Bindings{}).Compare(want, lacking)) == 0 {
					t.Errorf("%s, %s: nobody misses %s", name, step, key)
				}
				whole := example(want)
				delete(members, key)
				if len((Bindings{}).Compare(want, whole)) == 0 {
					t.Errorf("%s, %s: %s is not seen to be too many", name, step, key)
				}
				members[key] = value
			})
		}
	}
}

// everyObject visits each member of each object in a value.
func everyObject(v any, visit func(members map[string]any, key string)) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			everyObject(item, visit)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			visit(v, key)
			everyObject(v[key], visit)
		}
	}
}

// example is an answer that a recording stands for.
func example(v any) any {
	switch v := v.(type) {
	case []any:
		items := make([]any, len(v))
		for i := range v {
			items[i] = example(v[i])
		}
		return items
	case map[string]any:
		members := make(map[string]any, len(v))
		for key, value := range v {
			members[key] = example(value)
		}
		return members
	case string:
		return exampleOf(v)
	}
	return v
}

func exampleOf(text string) any {
	switch text {
	case "<code-size>":
		return 1.0
	case "datetime":
		return 1.8e9
	case "date":
		return "2026-01-02T03:04:05.678+0000"
	case "code-sha256":
		text = "<code-sha256:0>"
	}
	return placeholder.ReplaceAllStringFunc(text, func(token string) string {
		if value, ok := (Bindings{}).value(token); ok {
			return value
		}
		return exampleOfKind(token)
	})
}

func exampleOfKind(token string) string {
	sum := sha256.Sum256([]byte(token))
	kind, _ := kindOf(token)
	switch kinds[kind] {
	case anyUUID:
		return id(int(sum[0])<<8 | int(sum[1]))
	case kinds["code-sha256"]:
		return base64.StdEncoding.EncodeToString(sum[:])
	case kinds["runtime-version"]:
		return fmt.Sprintf("%x", sum)
	case kinds["log-stream-name"]:
		return fmt.Sprintf("2026/01/02/[$LATEST]%x", sum[:16])
	case kinds["xray-trace-id"]:
		return fmt.Sprintf("Root=1-%x-%x;Sampled=0", sum[:4], sum[:12])
	}
	fixed := map[string]string{
		"location": "http://a", "layer-location": "http://a", "duration": "1.5", "memory": "7",
		"xray-daemon-address": "127.0.0.1", "wrong-region": "eu-west-3", "date": "2026-01-02T03:04:05.678Z",
	}
	if value := fixed[kind]; value != "" {
		return value
	}
	return fmt.Sprintf("name-%x", sum[:6])
}

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }
