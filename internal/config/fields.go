package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// field is one setting: its key in a file and its variable.
type field struct {
	key      string // "function-logs.rate"
	variable string // "LAMBENT_FUNCTION_LOGS_RATE"
	quoted   bool   // written as a string in a file
}

// line is how a file would set the field.
func (f field) line(value string) string {
	if f.quoted {
		value = strconv.Quote(value)
	}
	return f.key + " = " + value
}

// fields lists every setting, in the order of the struct.
func fields() []field { return fieldsOf(reflect.TypeFor[Config](), "") }

func fieldsOf(t reflect.Type, parent string) []field {
	var found []field
	for f := range t.Fields() {
		key := parent + f.Tag.Get("toml")
		if f.Type.Kind() == reflect.Map { // no variable can name its members
			continue
		}
		if f.Type.Kind() == reflect.Struct {
			found = append(found, fieldsOf(f.Type, key+".")...)
			continue
		}
		found = append(found, field{key: key, variable: variable(key), quoted: quoted(f.Type)})
	}
	return found
}

func variable(key string) string {
	return prefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

func quoted(t reflect.Type) bool {
	return t.Kind() == reflect.String || t == reflect.TypeFor[Duration]()
}

// unknownKey names the known key that is nearest to what was written. One that differs in more
// than three places, or in half of what was written, is no help.
func unknownKey(key string) error {
	best, least := "", min(4, (len(key)+1)/2)
	for _, f := range fields() {
		if d := distance(key, f.key); d < least {
			best, least = f.key, d
		}
	}
	if best == "" {
		return fmt.Errorf("unknown setting %q; `lambent config show` prints all", key)
	}
	return fmt.Errorf("unknown setting %q: did you mean %q?", key, best)
}

// distance is Levenshtein's: how many characters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		row = nextRow(row, a[i], b)
	}
	return row[len(b)]
}

func nextRow(above []int, c byte, b string) []int {
	row := make([]int, len(above))
	row[0] = above[0] + 1
	for j := range len(b) {
		replace := above[j]
		if c != b[j] {
			replace++
		}
		row[j+1] = min(replace, above[j+1]+1, row[j]+1)
	}
	return row
}
