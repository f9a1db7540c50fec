package compat

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Recordings were made in an account, a region and a partition; Lambent has its own.
const (
	recordedAccount = "111111111111"
	account         = "000000000000"
	region          = "us-east-1"
)

const (
	anyName = `[A-Za-z0-9_-]+`
	anyUUID = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
)

// kinds are the placeholders of the recordings, by their names without numbers, and what
// may stand in their place.
var kinds = map[string]string{
	"function-name":       anyName,
	"fn-name":             anyName,
	"nonexisting-fn-name": anyName,
	"resource":            anyName,
	"resource-name":       anyName,
	"alias-name":          anyName,
	"uuid":                anyUUID,
	"request-id":          anyUUID,
	"code-sha256":         `[A-Za-z0-9+/]{43}=`,
	"custom-tag":          `.+`,
	"wrong-region":        `[a-z]{2}-[a-z]+-\d`,
	"log-stream-name":     `\d{4}/\d\d/\d\d/\[(?:\$LATEST|\d+)\][0-9a-f]{32}`,
	"runtime-version":     `[0-9a-f]{64}`,
	"location":            `https?://\S+`,
	"layer-location":      `https?://\S+`,
	"timeout_error_msg":   anyUUID,
	"duration":            `\d+(?:\.\d+)?`,
	"memory":              `\d+`,
	"date":                `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`,

	"aws-access-key-id":     `\S+`,
	"aws-secret-access-key": `\S+`,
	"aws-session-token":     `\S+`,
	"xray-daemon-address":   `\d+\.\d+\.\d+\.\d+`,
	"xray-trace-id":         `Root=1-[0-9a-f]{8}-[0-9a-f]{24}(?:;Parent=[0-9a-f]{16})?;Sampled=[01](?:;Lineage=\S+)?`,
}

// free are the kinds whose value may be another one at each place.
var free = map[string]bool{
	"location": true, "layer-location": true, "timeout_error_msg": true, "duration": true, "memory": true, "date": true, "uuid": true,
}

var placeholder = regexp.MustCompile(`<[a-z][a-z0-9_-]*(?::\d+)?>|\bdate\b|` + recordedAccount)

// kindOf splits "<uuid:2>" into its name and whether it is numbered.
func kindOf(token string) (kind string, numbered bool) {
	kind, _, numbered = strings.Cut(strings.Trim(token, "<>"), ":")
	return kind, numbered
}

// bound says whether a placeholder stands for the same value wherever it is.
func bound(token string) bool {
	kind, numbered := kindOf(token)
	return numbered || !free[kind]
}

// Bindings are what the placeholders of one scenario turned out to stand for: the same
// placeholder is the same value throughout, different ones are different values.
type Bindings map[string]string

// Bind says what a placeholder stands for. It is an error if it has another value
// already, or if another placeholder of its kind has this one.
func (b Bindings) Bind(token, value string) error {
	if old, ok := b[token]; ok {
		if old != value {
			return fmt.Errorf("%s was %q before and is %q now", token, old, value)
		}
		return nil
	}
	kind, _ := kindOf(token)
	for _, other := range slices.Sorted(maps.Keys(b)) {
		if k, _ := kindOf(other); k == kind && b[other] == value {
			return fmt.Errorf("%s and %s are both %q", token, other, value)
		}
	}
	b[token] = value
	return nil
}

// text matches a text with a recorded one that may hold placeholders.
func (b Bindings) text(want, got string) error {
	pattern, tokens, err := b.pattern(want)
	if err != nil {
		return err
	}
	if len(tokens) == 0 { // all is known: no need for a pattern
		if full := b.fill(want); full != got {
			return fmt.Errorf("is %q, recorded %q", got, full)
		}
		return nil
	}
	found := regexp.MustCompile(pattern).FindStringSubmatch(got)
	if found == nil {
		return fmt.Errorf("is %q, recorded %q", got, b.fill(want))
	}
	for i, token := range tokens {
		if !bound(token) {
			continue
		}
		if err := b.Bind(token, found[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// pattern writes a recorded text as a regular expression with a group for each of its
// placeholders that are not bound yet.
func (b Bindings) pattern(want string) (pattern string, tokens []string, err error) {
	var p strings.Builder
	rest := want
	for _, at := range placeholder.FindAllStringIndex(want, -1) {
		p.WriteString(regexp.QuoteMeta(rest[:at[0]-len(want)+len(rest)]))
		token := want[at[0]:at[1]]
		rest = want[at[1]:]
		if value, ok := b.value(token); ok {
			p.WriteString(regexp.QuoteMeta(value))
			continue
		}
		kind, _ := kindOf(token)
		if kinds[kind] == "" {
			return "", nil, fmt.Errorf("the recording holds %s, which this suite does not know", token)
		}
		p.WriteString("(" + kinds[kind] + ")")
		tokens = append(tokens, token)
	}
	return "(?s)^" + p.String() + regexp.QuoteMeta(rest) + "$", tokens, nil
}

// value is what a placeholder is known to stand for.
func (b Bindings) value(token string) (string, bool) {
	switch token {
	case recordedAccount:
		return account, true
	case "<region>":
		return region, true
	case "<partition>":
		return "aws", true
	}
	value, ok := b[token]
	return value, ok
}

// fill writes a recorded text with all that is known of its placeholders.
func (b Bindings) fill(want string) string {
	return placeholder.ReplaceAllStringFunc(want, func(token string) string {
		if value, ok := b.value(token); ok {
			return value
		}
		return token
	})
}
