package bill

import "bytes"

// holdsReport finds in a line what only a report has, cheaply: most lines have none.
func holdsReport(line []byte) bool {
	return bytes.Contains(line, []byte(reportMark)) || bytes.Contains(line, []byte(recordType))
}

// parseText reads a line that holds a report: text, or JSON that may stand behind a time.
func parseText(line []byte) (Invocation, error) {
	before, object, found := bytes.Cut(line, []byte("{"))
	if !found || bytes.Contains(before, []byte(reportMark)) {
		return parseReport(string(line))
	}
	v, err := parseRecord(line[len(before) : len(before)+1+len(object)])
	if at := leadingTime(string(before)); err == nil && v.Ended.IsZero() {
		v.Ended = at
	}
	return v, err
}
