package bill

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// isTable finds the heading of a CSV of CloudWatch Logs Insights: it has its fields in it.
func isTable(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	line = bytes.TrimPrefix(line, []byte("\ufeff"))
	return bytes.HasPrefix(bytes.TrimLeft(line, `"`), []byte("@")) || bytes.Contains(line, []byte(",@"))
}

func (r *Reader) readTable(in *bufio.Reader) error {
	table := csv.NewReader(in)
	table.ReuseRecord, table.LazyQuotes, table.FieldsPerRecord = true, true, -1
	heading, err := table.Read()
	if err != nil {
		return fmt.Errorf("reading CSV: %w", err)
	}
	names := make([]string, len(heading))
	for i, name := range heading {
		names[i] = strings.Clone(strings.TrimPrefix(name, "\ufeff"))
	}
	return r.readRows(table, names)
}

func (r *Reader) readRows(table *csv.Reader, names []string) error {
	cells := make(map[string]string, len(names))
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading CSV: %w", err)
		}
		clear(cells)
		for i := range min(len(row), len(names)) {
			cells[names[i]] = row[i]
		}
		v, bad := parseRow(cells)
		if err := r.take(v, bad); err != nil {
			return err
		}
	}
}

// parseRow reads a row of Insights: its @message, or else the fields that Insights finds in
// reports by itself. Rows that are no report are errNoReport.
func parseRow(cells map[string]string) (v Invocation, err error) {
	switch message := cells["@message"]; {
	case holdsReport([]byte(message)):
		v, err = parseText([]byte(strings.TrimSpace(message)))
	case cells["@billedDuration"] != "":
		v, err = parseFields(cells)
	default:
		return v, errNoReport
	}
	if at, bad := parseTime(cells["@timestamp"]); bad == nil {
		v.Ended = at
	}
	if v.Function == "" {
		v.Function = functionOf(cells["@log"])
	}
	return v, err
}

// parseFields reads the fields that Insights finds: times in ms, memory in millions of bytes
// for each MB (CloudWatch Logs User Guide, "Supported logs and discovered fields").
func parseFields(cells map[string]string) (Invocation, error) {
	v := Invocation{Cold: cells["@initDuration"] != ""}
	for name, to := range map[string]*time.Duration{"@duration": &v.Duration, "@billedDuration": &v.Billed, "@initDuration": &v.Init} {
		ms, err := number(cells[name])
		d, possible := milliseconds(ms)
		if err != nil || !possible {
			return v, fmt.Errorf("%s: %.40q is no time in ms", name, cells[name])
		}
		*to = d
	}
	for name, to := range map[string]*int64{"@memorySize": &v.MemoryMB, "@maxMemoryUsed": &v.UsedMB} {
		size, err := number(cells[name])
		if err != nil || size < 0 || size > mostMB*1e6 {
			return v, fmt.Errorf("%s: %.40q is no memory in bytes", name, cells[name])
		}
		*to = int64(size/1e6 + 0.5)
	}
	if !v.valid() {
		return v, errors.New("a row without a possible @memorySize")
	}
	return v, nil
}

// number reads what Insights prints, 1.28E8 for instance; an empty cell is 0.
func number(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.ParseFloat(text, 64)
}
