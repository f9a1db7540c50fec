package compat

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Anything stands in a recording for a member that is not compared: it may be missing.
var Anything any = anything{}

type anything struct{}

// Compare names every difference between what was recorded and what was answered, each
// with its path.
func (b Bindings) Compare(want, got any) []string {
	return b.compare("", want, got)
}

func (b Bindings) compare(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		return b.object(path, want, got)
	case []any:
		return b.list(path, want, got)
	case string:
		return b.scalar(path, want, got)
	}
	if !reflect.DeepEqual(want, got) {
		return differ(path, "is %v, recorded %v", show(got), show(want))
	}
	return nil
}

func differ(path, format string, args ...any) []string {
	return []string{strings.TrimPrefix(path, ".") + " " + fmt.Sprintf(format, args...)}
}

// object compares members. The recordings hold documents that the service sends as text,
// policies and payloads, as the values they are.
func (b Bindings) object(path string, want map[string]any, got any) []string {
	members, ok := unpack(got).(map[string]any)
	if !ok {
		return differ(path, "is %s, recorded %s", show(got), show(want))
	}
	var found []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if want[key] == Anything {
			continue
		}
		value, ok := members[key]
		if !ok {
			found = append(found, differ(path+"."+key, "is missing, recorded %s", show(want[key]))...)
			continue
		}
		found = append(found, b.compare(path+"."+key, want[key], value)...)
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if _, ok := want[key]; !ok {
			found = append(found, differ(path+"."+key, "is %s, recorded nothing", show(members[key]))...)
		}
	}
	return found
}

func (b Bindings) list(path string, want []any, got any) []string {
	items, ok := unpack(got).([]any)
	if !ok || len(items) != len(want) {
		return differ(path, "is %s, recorded %s", show(got), show(want))
	}
	var found []string
	for i := range want {
		found = append(found, b.compare(fmt.Sprintf("%s[%d]", path, i), want[i], items[i])...)
	}
	return found
}

// unpack reads a document that was sent as text.
func unpack(v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return v
	}
	return value
}

// timestamp is Lambda's form of LastModified and CreatedDate.
var timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$`)

// scalar compares a text, or what a text stands for in the recordings.
func (b Bindings) scalar(path, want string, got any) []string {
	switch want {
	case "<code-size>":
		return b.require(path, want, got, func() bool { n, ok := got.(float64); return ok && n >= 1 })
	case "datetime": // seconds since 1970, which Python's SDK reads
		return b.require(path, want, got, func() bool { n, ok := got.(float64); return ok && n > 1.7e9 && n < 1e10 })
	case "date":
		return b.require(path, want, got, func() bool { s, ok := got.(string); return ok && timestamp.MatchString(s) })
	case "code-sha256": // a number is missing here: LocalStack replaced it by its key
		want = "<code-sha256:0>"
		return b.scalarText(path, want, got, Bindings{})
	}
	return b.scalarText(path, want, got, b)
}

func (b Bindings) require(path, want string, got any, ok func() bool) []string {
	if ok() {
		return nil
	}
	return differ(path, "is %s, recorded %s", show(got), want)
}

func (b Bindings) scalarText(path, want string, got any, bindings Bindings) []string {
	text, ok := got.(string)
	if !ok {
		return differ(path, "is %s, recorded %q", show(got), want)
	}
	if sameMeasured(want, text) {
		return nil
	}
	if err := bindings.text(want, text); err != nil {
		return differ(path, "%v", err)
	}
	return nil
}

// measured precedes the environment in the text that refuses a large one.
const measured = "String measured: "

// sameMeasured compares two texts that quote an environment: it is a map, so the order
// in which the SDK sent its members is chance.
func sameMeasured(want, got string) bool {
	text, environment, ok := strings.Cut(want, measured)
	gotText, gotEnvironment, gotOK := strings.Cut(got, measured)
	if !ok || !gotOK || text != gotText || len(environment) != len(gotEnvironment) {
		return false
	}
	return reflect.DeepEqual(unpack(environment), unpack(gotEnvironment))
}

// showLimit keeps a difference readable.
const showLimit = 300

func show(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // placeholders are in angle brackets
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	text := strings.TrimSpace(b.String())
	if len(text) > showLimit {
		return text[:showLimit] + "…"
	}
	return text
}
