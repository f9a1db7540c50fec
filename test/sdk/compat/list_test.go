package compat

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every recording is in the list, once, and those in scope are here to compare with.
func TestListNamesEveryRecording(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "recordings", "index.txt"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	for _, sc := range scenarios() {
		listed[sc.recording]++
		if _, ok := suite.recordings[sc.recording]; !ok {
			t.Errorf("%s is in scope and not in testdata", sc.recording)
		}
	}
	for _, e := range outside() {
		listed[e.recording]++
		if e.reason == "" {
			t.Errorf("%s is out of scope without a reason", e.recording)
		}
	}
	for name := range strings.Lines(string(text)) {
		name = strings.TrimSuffix(name, "\n")
		if listed[name] != 1 {
			t.Errorf("%s is listed %d times", name, listed[name])
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("%s is listed and was never recorded", name)
	}
}

// What is excepted in a scenario was recorded, and has a reason.
func TestExceptionsWereRecorded(t *testing.T) {
	for _, sc := range scenarios() {
		for path, reason := range sc.leftOut() {
			step, _, _ := strings.Cut(path, "/")
			if _, ok := suite.recordings[sc.recording].Observed[step]; !ok || reason == "" {
				t.Errorf("%s: nothing is there to except at %s (%s)", sc.recording, path, reason)
			}
		}
	}
}
