package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFirstHourTypesTheREADME holds the script first-hour to README.md: what the section "Your own
// function" tells a person to type, in its blocks and in its sentences, the script types.
func TestFirstHourTypesTheREADME(t *testing.T) {
	typed := readText(t, filepath.Join("testdata", "script", "first-hour.txtar"))
	commands := firstHour(t, readText(t, filepath.Join("..", "README.md")))
	if len(commands) < 8 {
		t.Fatalf("README.md has only %q", commands)
	}
	for _, command := range commands {
		if !types(typed, command) {
			t.Errorf("first-hour does not type %q", command)
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// elsewhere are commands that the section names and other scripts hold: import moves between two
// servers, tax measures for a minute, setup builds for minutes.
var elsewhere = regexp.MustCompile("^lambent (import|tax|setup .*)$")

// firstHour lists the commands in README's section: indented lines, and `lambent …` in sentences.
func firstHour(t *testing.T, readme string) (commands []string) {
	t.Helper()
	_, section, found := strings.Cut(readme, "\n## Your own function\n")
	section, _, ended := strings.Cut(section, "\n## ")
	if !found || !ended {
		t.Fatal("README.md has no section \"Your own function\"")
	}
	inline := regexp.MustCompile("`(lambent [^`]+)`")
	for line := range strings.Lines(section) {
		if block, ok := strings.CutPrefix(line, "    "); ok {
			command, _, _ := strings.Cut(block, "  #")
			commands = append(commands, strings.TrimSpace(command))
			continue
		}
		for _, match := range inline.FindAllStringSubmatch(line, -1) {
			if !elsewhere.MatchString(match[1]) {
				commands = append(commands, match[1])
			}
		}
	}
	return commands
}

// types says whether the script runs a command. Its PATH and its build are the test's own, and what a
// shell must evaluate it gives to one.
func types(script, command string) bool {
	if command == "" || command == "make build" || strings.HasPrefix(command, "export PATH=") {
		return true
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		line = strings.TrimPrefix(line, "[aws] ")
		ran, isExec := strings.CutPrefix(line, "exec ")
		if isExec && (ran == command || strings.HasPrefix(ran, command+" ") || (strings.HasPrefix(ran, "sh -c ") && strings.Contains(ran, command))) {
			return true
		}
	}
	return false
}
