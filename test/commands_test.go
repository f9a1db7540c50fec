package test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

// httpCommand is `http METHOD URL [FILE [HEADER: VALUE…]]`: it sends FILE as the body and prints
// status, the headers a script may look at, and the body.
func httpCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: http METHOD URL [FILE [HEADER…]]")
	}
	req, err := http.NewRequest(args[0], "http://"+args[1], body(ts, args))
	ts.Check(err)
	for _, h := range args[min(3, len(args)):] {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, strings.TrimSpace(value))
		if strings.EqualFold(name, "host") {
			req.Host = strings.TrimSpace(value)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	printResponse(ts, resp)
	if failed := resp.StatusCode >= 400; failed != neg {
		ts.Fatalf("answered %s", resp.Status)
	}
}

func body(ts *testscript.TestScript, args []string) io.Reader {
	if len(args) < 3 || args[2] == "-" {
		return http.NoBody
	}
	return strings.NewReader(ts.ReadFile(args[2]))
}

func printResponse(ts *testscript.TestScript, resp *http.Response) {
	out := ts.Stdout()
	fmt.Fprintln(out, resp.Status)
	var names []string
	for name := range resp.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(out, "%s: %s\n", name, resp.Header.Get(name))
	}
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(out, "%s\n", text)
}

// readyCommand waits until the server at the admin address is ready, which in guests takes as long as one
// boots.
func readyCommand(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + args[0] + "/readyz")
		if err == nil {
			ts.Check(resp.Body.Close())
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
	ts.Fatalf("not ready after a minute")
}

// activeCommand is `active API NAME`: it waits until the function is active.
func activeCommand(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + args[0] + "/2015-03-31/functions/" + args[1] + "/configuration")
		ts.Check(err)
		text, err := io.ReadAll(resp.Body)
		ts.Check(errors.Join(err, resp.Body.Close()))
		if strings.Contains(string(text), `"State":"Active"`) {
			return
		}
	}
	ts.Fatalf("%s was not active after a minute", args[1])
}

// packCommand is `pack TEMPLATE FILE…`: it replaces ZIP in TEMPLATE by the files, zipped and base64,
// which is how CreateFunction takes code.
func packCommand(ts *testscript.TestScript, _ bool, args []string) {
	zipped := base64.StdEncoding.EncodeToString(zipped(ts, args[1:]))
	text := strings.ReplaceAll(ts.ReadFile(args[0]), "ZIP", zipped)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// zipCommand is `zip ARCHIVE FILE…`.
func zipCommand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), zipped(ts, args[1:]), 0o600))
}

func zipped(ts *testscript.TestScript, names []string) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range names {
		entry, err := w.Create(name)
		ts.Check(err)
		_, err = io.WriteString(entry, ts.ReadFile(name))
		ts.Check(err)
	}
	ts.Check(w.Close())
	return buf.Bytes()
}

// exitsCommand is `exits CODE PROGRAM ARG…`: it runs the program, which must end with the code.
func exitsCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// answersCommand is `answers NAME ANSWER`: it invokes the function until it answers so.
func answersCommand(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err := ts.Exec("lambent", "invoke", args[0]); err == nil && strings.TrimSpace(ts.ReadFile("stdout")) == args[1] {
			return
		}
	}
	ts.Fatalf("%s did not answer %s within a minute", args[0], args[1])
}

// untilCommand is `until TEXT PROGRAM ARG…`: it runs the program until what it prints holds the text.
func untilCommand(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err := ts.Exec(args[1], args[2:]...); err == nil && strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
	}
	ts.Fatalf("%s did not print %q within a minute", args[1], args[0])
}

// colour is what colours text on a terminal, and takes no column of it.
var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// narrowCommand is `narrow PROGRAM ARG…`: it runs the program, which must succeed and print, and no line
// of what it prints may be wider than 100 columns.
func narrowCommand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec(args[0], args[1:]...))
	printed := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	if printed == "" {
		ts.Fatalf("it printed nothing")
	}
	for line := range strings.Lines(printed) {
		line = colour.ReplaceAllString(line, "")
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns && !strings.HasPrefix(line, "arn ") {
			ts.Fatalf("%d columns: %s", n, line)
		}
	}
}

// holdsCommand is `holds FILE TEXT`: it waits until a file that something writes holds the text.
func holdsCommand(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.Contains(string(text), args[1]) {
			return
		}
	}
	ts.Fatalf("%s did not hold %q after a minute", args[0], args[1])
}
