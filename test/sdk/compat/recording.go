package compat

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Recording is one scenario as the real service answered it.
type Recording struct {
	Observed map[string]any `json:"observed"` // by step
	Recorded string         `json:"recorded"` // day and time, "25-11-2025, 02:26:54"
}

// LoadRecordings reads every file of a folder, by the names of the scenarios.
func LoadRecordings(dir string) (map[string]Recording, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	all := make(map[string]Recording)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &all); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
	}
	return all, nil
}

// Step is what was answered to one step; false if nothing was recorded for it.
//
// LocalStack's helper that creates a function records two answers in one step, of which
// the second is always null.
func (r Recording) Step(name string) (any, bool) {
	step, ok := r.Observed[name]
	if m, isMap := step.(map[string]any); isMap {
		if created, wrapped := m["CreateFunctionResponse"]; wrapped {
			step = created
		}
	}
	if r.older() {
		step = modernise(step)
	}
	return step, ok
}

// complete is when answers about functions had got all members that they have today.
var complete = time.Date(2023, time.November, 17, 0, 0, 0, 0, time.UTC)

func (r Recording) older() bool {
	at, err := time.Parse("02-01-2006, 15:04:05", r.Recorded)
	return err == nil && at.Before(complete)
}

// modernise adds the members that the service has added to a function's configuration
// since: the newest recording wins where two disagree.
func modernise(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = modernise(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = modernise(v[key])
		}
		if v["TracingConfig"] != nil && v["FunctionName"] != nil {
			addMembers(v)
		}
	}
	return v
}

func addMembers(configuration map[string]any) {
	newer := map[string]any{
		"LoggingConfig":        map[string]any{"LogFormat": "Text", "LogGroup": fmt.Sprintf("/aws/lambda/%s", configuration["FunctionName"])},
		"SnapStart":            map[string]any{"ApplyOn": "None", "OptimizationStatus": "Off"},
		"RuntimeVersionConfig": map[string]any{"RuntimeVersionArn": "arn:<partition>:lambda:<region>::runtime:<runtime-version>"},
	}
	for key, value := range newer {
		if configuration[key] == nil {
			configuration[key] = value
		}
	}
}
