package lambdaapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// where ends every text about a payload: AWS's parser says where it stopped and hides
// what it read.
const where = "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]"

const expected = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'"

// jsonProblem returns "" for valid JSON in valid UTF-8, else what is wrong in the words
// of AWS's parser.
func jsonProblem(payload []byte) string {
	if json.Valid(payload) && utf8.Valid(payload) {
		return ""
	}
	at, problem := firstProblem(payload)
	line, column := position(payload, at)
	return problem + fmt.Sprintf(where, line, column)
}

// firstProblem finds where the parser stops, and why. AWS's parser has read an invalid
// byte when it stops at it, and not yet an unexpected character.
func firstProblem(payload []byte) (at int, problem string) {
	var wrong *json.SyntaxError
	var ignored json.RawMessage
	bad := invalidUTF8(payload)
	if !errors.As(json.Unmarshal(payload, &ignored), &wrong) {
		return bad + 1, invalidByte(payload[bad])
	}
	i := min(max(int(wrong.Offset)-1, 0), len(payload)-1)
	switch start := tokenStart(payload, i); {
	case strings.HasPrefix(wrong.Error(), "unexpected end"):
		return len(payload), "Unexpected end-of-input"
	case strings.HasSuffix(wrong.Error(), "looking for beginning of object key string"):
		return i, unexpected(payload[i:]) + "was expecting double-quote to start field name"
	case start >= 0:
		return badToken(payload, start)
	case bad < i:
		return bad + 1, invalidByte(payload[bad])
	default:
		return i, unexpected(payload[i:]) + "expected a valid value (" + expected + ")"
	}
}

func invalidByte(b byte) string { return fmt.Sprintf("Invalid UTF-8 start byte 0x%02x", b) }

// unexpected names the character that cannot be there.
func unexpected(rest []byte) string {
	r, size := utf8.DecodeRune(rest)
	if r == utf8.RuneError && size <= 1 {
		r = rune(rest[0])
	}
	shown := fmt.Sprintf("'%c' (code %d)", r, r)
	if r < ' ' || r >= 0x7f && r < 0xa0 {
		shown = fmt.Sprintf("(CTRL-CHAR, code %d)", r)
	}
	return fmt.Sprintf("Unexpected character (%s): ", shown)
}

// tokenStart returns where the bare word begins that the byte at i belongs to or ends,
// or -1.
func tokenStart(payload []byte, i int) int {
	start := i
	for start > 0 && wordByte(payload[start-1]) {
		start--
	}
	if start < len(payload) && letter(payload[start]) && (start == 0 || payload[start-1] != '"') {
		return start
	}
	return -1
}

// badToken reads on to the end of a bare word; a byte on the way that is no UTF-8 is
// what the parser stumbles over first.
func badToken(payload []byte, start int) (at int, problem string) {
	end := start
	for end < len(payload) && end < start+256 {
		r, size := utf8.DecodeRune(payload[end:])
		if r == utf8.RuneError && size <= 1 {
			return end + 1, invalidByte(payload[end])
		}
		if r < utf8.RuneSelf && !wordByte(byte(r)) {
			break
		}
		end += size
	}
	return end, fmt.Sprintf("Unrecognized token '%s': was expecting (%s)", payload[start:end], expected)
}

func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' || b == '_' || b == '$' }

func wordByte(b byte) bool { return letter(b) || b >= '0' && b <= '9' }

// invalidUTF8 returns the index of the first byte that is no UTF-8, or len(p)+1.
func invalidUTF8(p []byte) int {
	for i := 0; i < len(p); {
		r, size := utf8.DecodeRune(p[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return len(p) + 1
}

// position counts lines and columns from one; a column is a byte, as AWS counts.
func position(p []byte, at int) (line, column int) {
	line, column = 1, 1
	for _, b := range p[:min(at, len(p))] {
		if column++; b == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}
