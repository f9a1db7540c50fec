package bill

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readDocument reads the JSON that the AWS CLI prints: one object, or a list, however long,
// of which only one event is held at a time.
func (r *Reader) readDocument(in io.Reader) error {
	d := json.NewDecoder(in)
	for {
		if err := r.readValue(d); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// readValue reads a list of events, or an object with one under events or results.
func (r *Reader) readValue(d *json.Decoder) error {
	start, err := d.Token()
	switch {
	case err != nil:
		return asReading(err)
	case start == json.Delim('['):
		return r.readList(d)
	case start != json.Delim('{'):
		return nil
	}
	for d.More() {
		if err := r.readMember(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return asReading(err)
}

func (r *Reader) readMember(d *json.Decoder) error {
	name, err := d.Token()
	if err != nil {
		return asReading(err)
	}
	if name == "events" || name == "results" {
		if _, err := d.Token(); err != nil {
			return asReading(err)
		}
		return r.readList(d)
	}
	return asReading(d.Decode(new(json.RawMessage)))
}

// readList reads elements up to the end of a list that has begun.
func (r *Reader) readList(d *json.Decoder) error {
	for d.More() {
		var element json.RawMessage
		if err := d.Decode(&element); err != nil {
			return asReading(err)
		}
		v, bad := parseElement(element)
		if err := r.take(v, bad); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return asReading(err)
}

// parseElement reads an event, or a row of Insights: a list of fields and values.
func parseElement(element json.RawMessage) (Invocation, error) {
	var row []struct{ Field, Value string }
	if json.Unmarshal(element, &row) == nil && len(row) > 0 {
		cells := map[string]string{}
		for _, cell := range row {
			cells[cell.Field] = cell.Value
		}
		return parseRow(cells)
	}
	if !holdsReport(element) {
		return Invocation{}, errNoReport
	}
	return parseRecord(element)
}

func asReading(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the JSON ends early: %w", err)
	}
	return fmt.Errorf("reading JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}
