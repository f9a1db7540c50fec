package runtimes

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPythonAnswers(t *testing.T) {
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "app.handler", files: map[string]string{
			"app.py": "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return {'got': event, 'count': count}\n",
		}}).ready()
		for i, want := range []string{`{"got": {"a": [1, 2.5, null, true]}, "count": 1}`, `{"got": {"a": [1, 2.5, null, true]}, "count": 2}`} {
			if got := p.invoke(` {"a":[1,2.5,null,true]}` + "\n"); got != want {
				t.Errorf("answer %d = %s, want %s", i, got, want)
			}
		}
		p.conn.Close()
		if code := p.exit(); code != 0 || p.out.String() != "" {
			t.Errorf("exit %d when the stream closed, output %q", code, p.out)
		}
	})
}

func TestPythonHandlerError(t *testing.T) {
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "lambda_handler_error.handler", files: map[string]string{
			"lambda_handler_error.py": "def handler(event, context):\n    raise Exception(\"Handler fails\")\n",
		}}).ready()
		got := p.fail("{}")
		// As AWS was observed to answer.
		trace := "  File \"/var/task/lambda_handler_error.py\", line 2, in handler\n    raise Exception(\"Handler fails\")\n"
		if got.Message != "Handler fails" || got.Type != "Exception" || got.Request != "8d5f" ||
			len(got.Trace) != 1 || got.Trace[0] != trace {
			t.Errorf("%+v", got)
		}
		want := "[ERROR] Exception: Handler fails\nTraceback (most recent call last):\n" +
			"\u00a0\u00a0File \"/var/task/lambda_handler_error.py\", line 2, in handler\n" +
			"\u00a0\u00a0\u00a0\u00a0raise Exception(\"Handler fails\")\n"
		if log := p.printed("raise"); log != want {
			t.Errorf("log %q, want %q", log, want)
		}
		if got := p.fail("{}"); got.Type != "Exception" {
			t.Errorf("second invocation: %+v", got)
		}
	})
}

func TestPythonInitErrors(t *testing.T) {
	tests := []struct {
		name, handler, body string
		kind, message       string
		trace               string
	}{
		{
			"no-module", "missing.handler", "", "Runtime.ImportModuleError",
			"Unable to import module 'missing': No module named 'missing'", "",
		},
		{
			"no-dependency", "app.handler", "import nowhere", "Runtime.ImportModuleError",
			"Unable to import module 'app': No module named 'nowhere'", "",
		},
		{"no-handler", "app.handler", "x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'", ""},
		{
			"no-dot", "app", "x = 1", "Runtime.MalformedHandlerName",
			"Bad handler 'app': not enough values to unpack (expected 2, got 1)", "",
		},
		{"empty-module", ".handler", "x = 1", "Runtime.ImportModuleError", "Unable to import module '': Empty module name", ""},
		{
			"built-in", "sys.exit", "x = 1", "Runtime.BuiltInModuleConflict",
			"Cannot use built-in module sys as a handler module", "",
		},
		{
			"syntax", "app.handler", "def handler(:\n    pass", "Runtime.UserCodeSyntaxError",
			"Syntax error in module 'app': ", "  File \"/var/task/app.py\" Line 1\n    def handler(:\n",
		},
		{
			"raises", "app.handler", "raise ValueError('no')", "ValueError", "no",
			"  File \"/var/task/app.py\", line 1, in <module>\n    raise ValueError('no')\n",
		},
	}
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		for _, tt := range tests {
			p := start(t, c, function{runtime: id, handler: tt.handler, files: map[string]string{"app.py": tt.body}})
			p.expect(frameBegun)
			got := p.failure(p.expect(frameInitError))
			if got.Type != tt.kind || !strings.HasPrefix(got.Message, tt.message) || got.Request != "" {
				t.Errorf("%s: %+v", tt.name, got)
			}
			if trace := strings.Join(got.Trace, ""); !strings.HasPrefix(trace, tt.trace) || tt.trace == "" && trace != "" {
				t.Errorf("%s: trace %q, want %q", tt.name, trace, tt.trace)
			}
			p.printed("[ERROR] " + tt.kind + ": " + tt.message)
			if code := p.exit(); code != 1 {
				t.Errorf("%s: exit %d", tt.name, code)
			}
		}
	})
}

func TestPythonUnits(t *testing.T) {
	tests, err := filepath.Abs("python/tests/test_pure.py")
	if err != nil {
		t.Fatal(err)
	}
	c := shared
	for _, found := range pythonsOf(c) {
		t.Run(found.Runtime, func(t *testing.T) {
			cmd := exec.Command(found.Path, "-B", tests, c.bootstrap)
			if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("\nOK")) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
