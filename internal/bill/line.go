package bill

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// reportMark begins what Lambda logs at the end of an invocation.
const reportMark = "REPORT RequestId: "

// parseReport reads a REPORT line. What stands before REPORT may be a time, as exports of
// CloudWatch and `aws logs tail` print it.
func parseReport(line string) (Invocation, error) {
	before, report, found := strings.Cut(line, reportMark)
	if !found {
		return Invocation{}, errors.New("no REPORT line")
	}
	v := Invocation{Ended: leadingTime(before)}
	for field := range strings.SplitSeq(report, "\t") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), ": ")
		if err := v.set(name, value); err != nil {
			return Invocation{}, err
		}
	}
	if !v.valid() {
		return Invocation{}, errors.New("a REPORT line without a possible Memory Size")
	}
	return v, nil
}

// set takes one field of a REPORT line. Unknown ones are left alone: AWS adds some.
func (v *Invocation) set(name, value string) (err error) {
	switch name {
	case "Duration":
		v.Duration, err = reportedTime(value)
	case "Billed Duration":
		v.Billed, err = reportedTime(value)
	case "Init Duration":
		v.Cold = true
		v.Init, err = reportedTime(value)
	case "Restore Duration":
		v.Restore, err = reportedTime(value)
	case "Billed Restore Duration":
		v.Restored, err = reportedTime(value)
	case "Memory Size":
		v.MemoryMB, err = reportedMemory(value)
	case "Max Memory Used":
		v.UsedMB, err = reportedMemory(value)
	case "Status":
		v.Failed = value != "success"
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func reportedTime(text string) (time.Duration, error) {
	ms, err := strconv.ParseFloat(strings.TrimSuffix(text, " ms"), 64)
	d, possible := milliseconds(ms)
	if err != nil || !possible {
		return 0, fmt.Errorf("%.40q is no time in ms", text)
	}
	return d, nil
}

func reportedMemory(text string) (int64, error) {
	mb, err := strconv.ParseInt(strings.TrimSuffix(text, " MB"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no memory in MB", text)
	}
	return mb, nil
}

// leadingTime finds the time at the start of a line; zero if there is none.
func leadingTime(text string) time.Time {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return time.Time{}
	}
	at, err := parseTime(fields[0])
	if err != nil && len(fields) > 1 {
		at, _ = parseTime(fields[0] + " " + fields[1])
	}
	return at
}

// parseTime reads the times that AWS's tools print: RFC 3339, Insights' own form, and
// milliseconds since 1970.
func parseTime(text string) (time.Time, error) {
	text = strings.TrimSuffix(text, ",")
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 1e12 && ms < 1e13 {
		return time.UnixMilli(ms).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999", "2006-01-02 15:04:05.999"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time", text)
}
