package lambdaapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"unicode/utf8"

	"lambent.dev/lambent/internal/lambda"
)

// decode reads a request's JSON body. Members that are not known are skipped, as AWS
// does; a wrong type is a SerializationException. encoding/json bounds the depth.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) {
		return lambda.NewError(lambda.ErrSerialization, "The body of the request is not valid UTF-8")
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	err := json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	var corrupt base64.CorruptInputError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return lambda.NewError(lambda.ErrSerialization, "%s", wrongType(body, wrong))
	case errors.As(err, &corrupt):
		return lambda.NewError(lambda.ErrSerialization, "Failed to decode a blob of the request: it is not valid Base64")
	default:
		return lambda.NewError(lambda.ErrSerialization, "Failed to parse the body of the request as JSON: %s", clean(err.Error()))
	}
}

// clean drops the library's name from a text.
func clean(text string) string { return strings.TrimPrefix(text, "json: ") }

// wrongType words a mismatch as AWS does.
func wrongType(body []byte, err *json.UnmarshalTypeError) string {
	switch err.Value {
	case "array":
		return "Start of list found where not expected"
	case "object":
		return "Start of structure or map found where not expected."
	}
	return foundValue(body, err) + " can not be converted to " + wantedType(err.Type)
}

func foundValue(body []byte, err *json.UnmarshalTypeError) string {
	switch {
	case err.Value == "string":
		return "STRING_VALUE"
	case strings.HasPrefix(err.Value, "number"):
		return "NUMBER_VALUE"
	case strings.HasSuffix(string(body[:min(int(err.Offset), len(body))]), "false"):
		return "FALSE_VALUE"
	}
	return "TRUE_VALUE"
}

func wantedType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "an Integer"
	case reflect.String:
		return "a String"
	case reflect.Bool:
		return "a Boolean"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "a Blob"
		}
		return "a List"
	}
	return "a Structure"
}
