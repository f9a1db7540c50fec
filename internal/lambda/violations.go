package lambda

import (
	"fmt"
	"strings"
)

// Violations collects what is wrong with a request, in AWS's words, so that a
// caller hears of everything at once. The zero value is ready.
type Violations struct {
	texts []string
	size  int
}

// Constraints as AWS words them.
const (
	matchPattern = "Member must satisfy regular expression pattern: "
	notNull      = "Member must not be null"
)

// Bounds of one error message, in bytes: a hostile value is not echoed whole.
const (
	maxShownValue = 8 << 10
	maxShownAll   = 64 << 10
)

// Add reports that the value of a field breaks a constraint.
func (v *Violations) Add(field, value, constraint string) {
	v.add(fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", clip(value), field, constraint))
}

func (v *Violations) add(text string) {
	if v.size += len(text); v.size <= maxShownAll {
		v.texts = append(v.texts, text)
	}
}

func clip(s string) string {
	if len(s) <= maxShownValue {
		return s
	}
	return strings.ToValidUTF8(s[:maxShownValue], "") + "..."
}

// Missing reports that a required field is not there.
func (v *Violations) Missing(field string) {
	v.add(fmt.Sprintf("Value null at '%s' failed to satisfy constraint: %s", field, notNull))
}

// Length checks a string's length, in bytes.
func (v *Violations) Length(field, value string, shortest, longest int) {
	switch {
	case len(value) > longest:
		v.Add(field, value, fmt.Sprintf("Member must have length less than or equal to %d", longest))
	case len(value) < shortest:
		v.Add(field, value, fmt.Sprintf("Member must have length greater than or equal to %d", shortest))
	}
}

// Range checks a number.
func (v *Violations) Range(field string, value, least, most int) {
	switch {
	case value > most:
		v.Add(field, fmt.Sprint(value), fmt.Sprintf("Member must have value less than or equal to %d", most))
	case value < least:
		v.Add(field, fmt.Sprint(value), fmt.Sprintf("Member must have value greater than or equal to %d", least))
	}
}

// OneOf checks that a string is one of a set, listed in AWS's order.
func (v *Violations) OneOf(field, value string, set ...string) {
	for _, s := range set {
		if s == value {
			return
		}
	}
	v.Add(field, value, "Member must satisfy enum value set: ["+strings.Join(set, ", ")+"]")
}

// shownList writes a list as AWS shows it.
func shownList(list []string) string { return "[" + strings.Join(list, ", ") + "]" }

// Err returns nil, or one ValidationException that names everything reported.
func (v *Violations) Err() error {
	if len(v.texts) == 0 {
		return nil
	}
	plural := "s"
	if len(v.texts) == 1 {
		plural = ""
	}
	return NewError(ErrValidation, "%d validation error%s detected: %s", len(v.texts), plural, strings.Join(v.texts, "; "))
}
