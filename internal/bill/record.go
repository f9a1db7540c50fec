package bill

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// recordType is the type of the record that ends an invocation, in Lambda's JSON log format.
const recordType = "platform.report"

// record is a line of JSON that holds a report: Lambda's own, or an event of CloudWatch
// around a line.
type record struct {
	// Lambda's.
	Time   string `json:"time"`
	Type   string `json:"type"`
	Record struct {
		Status  string  `json:"status"`
		Metrics metrics `json:"metrics"`
	} `json:"record"`

	// CloudWatch's.
	Timestamp json.RawMessage `json:"timestamp"` // number or text
	Message   json.RawMessage `json:"message"`   // text, or whatever an application logs
	LogGroup  string          `json:"logGroupName"`
}

// metrics are a report's: AWS Lambda Developer Guide, "Lambda Telemetry API Event schema
// reference".
type metrics struct {
	Duration       float64  `json:"durationMs"`
	Billed         float64  `json:"billedDurationMs"`
	MemorySize     int64    `json:"memorySizeMB"`
	MaxMemoryUsed  int64    `json:"maxMemoryUsedMB"`
	Init           *float64 `json:"initDurationMs"`
	Restore        float64  `json:"restoreDurationMs"`
	RestoredBilled float64  `json:"billedRestoreDurationMs"`
}

var errNoReport = errors.New("no report")

// parseRecord reads a line of JSON; errNoReport for one that is something else.
func parseRecord(text []byte) (Invocation, error) {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return Invocation{}, fmt.Errorf("a report that is not JSON: %w", err)
	}
	return r.invocation()
}

func (r *record) invocation() (Invocation, error) {
	if r.Type == recordType {
		return r.report()
	}
	var message string
	if json.Unmarshal(r.Message, &message) != nil || !holdsReport([]byte(message)) {
		return Invocation{}, errNoReport
	}
	v, err := parseText([]byte(message))
	if at, bad := parseTime(strings.Trim(string(r.Timestamp), `"`)); bad == nil && v.Ended.IsZero() {
		v.Ended = at
	}
	if v.Function == "" {
		v.Function = functionOf(r.LogGroup)
	}
	return v, err
}

func (r *record) report() (Invocation, error) {
	m := r.Record.Metrics
	v := Invocation{MemoryMB: m.MemorySize, UsedMB: m.MaxMemoryUsed, Cold: m.Init != nil, Failed: r.Record.Status != "" && r.Record.Status != "success"}
	v.Ended, _ = parseTime(r.Time)
	if m.Init == nil {
		m.Init = new(float64)
	}
	possible := make([]bool, 5)
	v.Duration, possible[0] = milliseconds(m.Duration)
	v.Billed, possible[1] = milliseconds(m.Billed)
	v.Init, possible[2] = milliseconds(*m.Init)
	v.Restore, possible[3] = milliseconds(m.Restore)
	v.Restored, possible[4] = milliseconds(m.RestoredBilled)
	for _, ok := range possible {
		if !ok {
			return Invocation{}, errors.New("a platform.report with an impossible time")
		}
	}
	if !v.valid() {
		return Invocation{}, errors.New("a platform.report without a possible memorySizeMB")
	}
	return v, nil
}

// functionOf is the function whose log group this is, AWS's default names only.
func functionOf(group string) string {
	_, name, _ := strings.Cut(group, "/aws/lambda/")
	return name
}
