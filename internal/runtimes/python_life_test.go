package runtimes

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPythonContext(t *testing.T) {
	const app = `
import os
def handler(event, context):
    c = context.client_context
    return {
        'id': context.aws_request_id, 'name': context.function_name, 'version': context.function_version,
        'arn': context.invoked_function_arn, 'memory': context.memory_limit_in_mb,
        'group': context.log_group_name, 'stream': context.log_stream_name, 'tenant': context.tenant_id,
        'remaining': 1000 < context.get_remaining_time_in_millis() <= 3000,
        'identity': [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
        'client': c and [c.custom, c.env, c.client and [c.client.installation_id, c.client.app_title,
            c.client.app_version_name, c.client.app_version_code, c.client.app_package_name]],
        'trace': os.environ.get('_X_AMZN_TRACE_ID'), 'text': str(context)[:31],
        'log': context.log('logged\n'),
    }
`
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "app.handler", files: map[string]string{"app.py": app}}).ready()
		p.send(map[string]any{
			"tenantId": "blue", "traceId": "Root=1-2-3",
			"identity":      map[string]any{"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"},
			"clientContext": map[string]any{"custom": map[string]any{"a": "b"}, "env": map[string]any{"l": "de"}, "client": map[string]any{"installation_id": "x", "app_title": "T"}},
		}, []byte("{}"))
		want := map[string]any{
			"id": "8d5f", "name": "fn", "version": "$LATEST", "arn": "arn:fn", "memory": "128",
			"group": "/aws/lambda/fn", "stream": "2026/01/01/[$LATEST]abc", "tenant": "blue", "remaining": true,
			"identity": []any{"i", "p"}, "trace": "Root=1-2-3", "log": nil, "text": "LambdaContext([aws_request_id=8",
			"client": []any{map[string]any{"a": "b"}, map[string]any{"l": "de"}, []any{"x", "T", nil, nil, nil}},
		}
		if diff := cmp.Diff(want, decoded(t, p.expect(frameResponse))); diff != "" {
			t.Error(diff)
		}
		p.printed("logged\n")
		bare := decoded(t, []byte(p.invoke("{}"))).(map[string]any)
		if bare["tenant"] != nil || bare["client"] != nil || bare["trace"] != nil || !cmp.Equal(bare["identity"], []any{nil, nil}) {
			t.Errorf("without meta: %v", bare)
		}
		p.send(map[string]any{"deadlineMs": 1}, []byte("{}"))
		if late := decoded(t, p.expect(frameResponse)).(map[string]any); late["remaining"] != false {
			t.Errorf("after the deadline: %v", late)
		}
	})
}

func decoded(t *testing.T, data []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return value
}

func TestPythonAnswersInAWSsJSON(t *testing.T) {
	// As awslambdaric writes them; {escaped} up to Python 3.11.
	tests := []struct{ expression, want, escaped string }{
		{"None", "null", ""},
		{"''", `""`, ""},
		{"(1, 2)", "[1, 2]", ""},
		{"b'raw\\x00'", "raw\x00", ""},
		{"{1: True, None: 2.5}", `{"1": true, "null": 2.5}`, ""},
		{"1.0", "1.0", ""},
		{"{'a': b'x'}", `{"a": "x"}`, ""},
		{"float('nan')", "NaN", ""},
		{"[float('-inf')]", "[-Infinity]", ""},
		{"__import__('decimal').Decimal('1.50')", "1.50", ""},
		{"{'d': [__import__('decimal').Decimal(n) for n in ('1', '1E+2', 'NaN')], 's': 'x'}", `{"d": [1, 1E+2, NaN], "s": "x"}`, ""},
		{"{'é': 'ü\u2028'}", "{\"é\": \"ü\u2028\"}", `{"\u00e9": "\u00fc\u2028"}`},
		{"'é'", `"é"`, `"\u00e9"`},
		{"__import__('collections').namedtuple('P', 'x y')(1, ['a'])", `{"x": 1, "y": ["a"]}`, ""},
		{"[{'p': __import__('collections').namedtuple('P', 'x')((2,))}]", `[{"p": {"x": [2]}}]`, ""},
		{"event", `{"n": 12345678901234567890}`, ""},
	}
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "app.handler", files: map[string]string{
			"app.py": "def handler(event, context):\n    return eval(event['eval']) if 'eval' in event else event\n",
		}}).ready()
		for _, tt := range tests {
			event, _ := json.Marshal(map[string]string{"eval": tt.expression})
			if tt.expression == "event" {
				event = []byte(tt.want)
			}
			want := tt.want
			if tt.escaped != "" && escapes(id) {
				want = tt.escaped
			}
			if got := p.invoke(string(event)); got != want {
				t.Errorf("%s: %s, want %s", tt.expression, got, want)
			}
		}
		unwritable := map[string]string{
			"{1}":                              "Object of type set is not JSON serializable",
			"[object()]":                       "Object of type object is not JSON serializable",
			"{'a': b'\\xff'}":                  "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
			"(lambda a: a.append(a) or a)([])": "Circular reference detected",
			"__import__('functools').reduce(lambda a, _: [a], range(100000), [])": "", // too deep: its text differs
		}
		if !escapes(id) {
			unwritable["'\\ud800' + 'é'"] = "'utf-8' codec can't encode character '\\ud800' in position 1: surrogates not allowed"
		}
		for expression, message := range unwritable {
			event, _ := json.Marshal(map[string]string{"eval": expression})
			got := p.fail(string(event))
			if got.Type != "Runtime.MarshalError" || !strings.HasPrefix(got.Message, "Unable to marshal response: "+message) || len(got.Trace) != 0 {
				t.Errorf("%s: %+v", expression, got)
			}
		}
		for event, message := range map[string]string{
			"": "Expecting value: line 1 column 1 (char 0)", "{} x": "Extra data: line 1 column 4 (char 3)",
			"\xff": "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
		} {
			if got := p.fail(event); got.Type != "Runtime.UnmarshalError" || got.Message != "Unable to unmarshal input: "+message {
				t.Errorf("event %q: %+v", event, got)
			}
		}
	})
}

// escapes reports a version for which AWS writes \u escapes: all up to 3.11.
func escapes(id string) bool { return slices.Index(pythons, id) >= slices.Index(pythons, "python3.11") }

func TestPythonExits(t *testing.T) {
	const app = `
import os, sys, signal
def handler(event, context):
    print('before')
    sys.stdout.write('half')
    exec(event)
`
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		for statement, want := range map[string]int{
			"sys.exit(0)": 0, "sys.exit(7)": 7, "exit(3)": 3, "sys.exit('why')": 1, "os._exit(9)": 9,
			"raise KeyboardInterrupt()": 130, "os.kill(os.getpid(), signal.SIGSEGV)": -1,
		} {
			p := start(t, c, function{runtime: id, handler: "app.handler", files: map[string]string{"app.py": app}}).ready()
			event, _ := json.Marshal(statement)
			p.send(nil, event)
			if kind, payload, err := p.frame(); err == nil {
				t.Errorf("%s: answered %#02x %s", statement, kind, payload)
			}
			code := p.exit()
			if statement == "raise KeyboardInterrupt()" && code != 0 {
				code = want // its way of saying so differs between versions
			}
			if code != want {
				t.Errorf("%s: exit %d, want %d", statement, code, want)
			}
			p.printed("before\n")
		}
	})
}

func TestPythonLooksLikeLambda(t *testing.T) {
	const app = `
import os, sys
import in_layer, json, logging
def handler(event, context):
    fds = []
    for n in range(3, 100):
        try: fds.append((n, os.readlink('/proc/self/fd/%d' % n)) if os.get_inheritable(n) else None)
        except OSError: pass
    return {'path': sys.path[:4], 'prefix': sys.prefix, 'env': dict(os.environ), 'cwd': os.getcwd(),
        'layer': in_layer.__file__, 'json': hasattr(json, 'JSONEncoder'), 'logging': len(logging.getLogger().handlers),
        'inheritable': [f for f in fds if f and f[1] != '/dev/null'], 'encoding': sys.stdout.encoding.lower().replace('-', '')}
`
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{
			runtime: id, handler: "pkg/app.handler",
			env:   map[string]string{"Hello": "World", "LD_LIBRARY_PATH": "/opt/mine", "LANG": "C"},
			files: map[string]string{"pkg/app.py": app, "json.py": "raise Exception('shadowed')", "logging.py": "raise Exception('shadowed')"},
			layer: map[string]string{"in_layer.py": "", "lib/" + id + "/site-packages/x.py": ""},
		}).ready()
		got := decoded(t, []byte(p.invoke("{}"))).(map[string]any)
		env := got["env"].(map[string]any)
		prefix := got["prefix"].(string)
		delete(got, "env")
		delete(got, "prefix")
		want := map[string]any{
			"path": []any{"/var/task", "/opt/python/lib/" + id + "/site-packages", "/opt/python", "/var/runtime"},
			"cwd":  "/var/task", "layer": "/opt/python/in_layer.py", "json": true, "logging": 1.0, "inheritable": []any{}, "encoding": "utf8",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if prefix != "/var/lang" && !strings.HasPrefix(prefix, "/usr") {
			t.Errorf("sys.prefix %s", prefix)
		}
		libraries := "/opt/mine"
		if prefix == "/var/lang" {
			libraries += ":/var/lang/lib"
		}
		for name, value := range map[string]any{
			"Hello": "World", "LD_LIBRARY_PATH": libraries, "LANG": "C", "TZ": ":UTC",
			"PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin", "AWS_EXECUTION_ENV": "AWS_Lambda_" + id,
			"PYTHONPATH": "/var/runtime", "PWD": "/var/task", "LAMBDA_TASK_ROOT": "/var/task", "_HANDLER": "pkg/app.handler",
			"LAMBDA_RUNTIME_DIR": "/var/runtime", "LAMBENT_STREAM": nil,
		} {
			if env[name] != value {
				t.Errorf("%s=%v, want %v", name, env[name], value)
			}
		}
	})
}

func TestPythonTextLog(t *testing.T) {
	const app = `
import logging, sys
logging.warning('at init')
def handler(event, context):
    print('printed')
    logging.getLogger().setLevel('INFO')
    logging.getLogger('mine').info('answer %d', 42)
    logging.debug('not this')
    sys.stderr.write('to stderr')
    sys.stdout.write('half a line')
`
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "app.handler", files: map[string]string{"app.py": app}}).ready()
		p.invoke("{}")
		p.printed("to stderr") // a pipe of its own: it may come before or after the rest
		got := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`).ReplaceAllString(p.printed("half a line"), "TIME")
		got = strings.Replace(got, "to stderr", "", 1)
		want := "[WARNING]\tTIME\t\tat init\nprinted\n[INFO]\tTIME\t8d5f\tanswer 42\n"
		if !strings.HasPrefix(got, want) || strings.Contains(got, "not this") {
			t.Errorf("log %q, want it to begin with %q", got, want)
		}
	})
}

func TestPythonJSONLog(t *testing.T) {
	const app = `
import logging
logger = logging.getLogger('mine')
def handler(event, context):
    logger.debug('not this')
    logger.info('answer %d', 42, extra={'basket': 7, 'odd': {1}})
    logger.warning({'a': 1})
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception('caught')
    raise ValueError('unhandled')
`
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{
			runtime: id, handler: "app.handler", files: map[string]string{"app.py": app},
			env: map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"},
		}).ready()
		p.fail("{}")
		var lines []map[string]any
		for line := range strings.Lines(p.printed("unhandled")) {
			value := decoded(t, []byte(line)).(map[string]any)
			at, err := time.Parse(time.RFC3339, value["timestamp"].(string))
			if err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("timestamp %v", value["timestamp"])
			}
			delete(value, "timestamp")
			lines = append(lines, value)
		}
		frame := "  File \"/var/task/app.py\", line 9, in handler\n    1 / 0\n"
		if len(lines) == 4 { // newer versions mark the columns
			got := lines[2]["stackTrace"].([]any)[0].(string)
			lines[2]["stackTrace"] = []any{got[:min(len(got), len(frame))]}
		}
		want := []map[string]any{
			{"level": "INFO", "message": "answer 42", "logger": "mine", "requestId": "8d5f", "basket": 7.0, "odd": "{1}"},
			{"level": "WARNING", "message": map[string]any{"a": 1.0}, "logger": "mine", "requestId": "8d5f"},
			{
				"level": "ERROR", "message": "caught", "logger": "mine", "requestId": "8d5f", "errorType": "ZeroDivisionError",
				"errorMessage": "division by zero", "location": "/var/task/app.py:handler:11", "stackTrace": []any{frame},
			},
			{
				"level": "ERROR", "errorMessage": "unhandled", "errorType": "ValueError", "requestId": "8d5f",
				"stackTrace": []any{"  File \"/var/task/app.py\", line 12, in handler\n    raise ValueError('unhandled')\n"},
			},
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPythonLargePayloads(t *testing.T) {
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "app.handler", files: map[string]string{
			"app.py": "def handler(event, context):\n    return event * 2 if isinstance(event, str) else 'x' * event\n",
		}}).ready()
		for _, size := range []int{65_536 - 20, 65_536, 6 << 20} {
			event := `"` + strings.Repeat("e", size) + `"`
			if got := p.invoke(event); len(got) != 2*size+2 {
				t.Errorf("an event of %d bytes: answer of %d", size, len(got))
			}
		}
		if got := p.invoke(fmt.Sprint(20 << 20)); len(got) != 20<<20+2 {
			t.Errorf("answer of %d bytes", len(got))
		}
	})
}

func TestPythonOddErrors(t *testing.T) {
	const app = `
class Silent(Exception):
    def __str__(self): raise KeyError('no text')
def deep(n): return deep(n + 1)
def handler(event, context):
    if event == 'silent': raise Silent()
    if event == 'deep': deep(0)
    if event == 'surrogate': raise Exception('\ud800')
    if event == 'stdout':
        import sys
        sys.stdout.close()
        raise Exception('mute')
    if event == 'empty': raise Exception()
`
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "app.handler", files: map[string]string{"app.py": app}}).ready()
		for _, tt := range []struct{ event, kind, message string }{
			{"silent", "Silent", "<no message: Silent.__str__ failed>"},
			{"surrogate", "Exception", `\ud800`},
			{"empty", "Exception", ""},
			{"deep", "RecursionError", "maximum recursion depth exceeded"},
			{"stdout", "Exception", "mute"},
		} {
			got := p.fail(`"` + tt.event + `"`)
			if got.Type != tt.kind || !strings.HasPrefix(got.Message, tt.message) || len(got.Trace) == 0 || len(got.Trace) > 10 {
				t.Errorf("%s: %.500v", tt.event, got)
			}
		}
		if got := p.invoke(`"well"`); got != "null" {
			t.Errorf("afterwards: %s", got)
		}
	})
}

func TestPythonChildrenDoNotAnswer(t *testing.T) {
	const app = `
import os, subprocess, sys
def handler(event, context):
    pid = os.fork()
    if pid == 0:
        return 'child'
    os.waitpid(pid, 0)
    listed = subprocess.check_output([sys.executable, '-c', "import os; print(sorted(os.listdir('/proc/self/fd'))[:-1])"])
    return ['parent', listed.decode().strip()]
`
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "app.handler", files: map[string]string{"app.py": app}}).ready()
		if id == "python3.6" {
			t.Skip("Python 3.6 has no hook after fork")
		}
		for range 2 {
			if got := p.invoke("{}"); got != `["parent", "['0', '1', '2']"]` {
				t.Errorf("answer %s", got)
			}
		}
	})
}

func TestPythonExecWrapper(t *testing.T) {
	eachPython(t, func(t *testing.T, c *Catalogue, id string) {
		for _, wrapper := range []string{"/var/task/wrap", "wrap"} {
			p := start(t, c, function{
				runtime: id, handler: "app.handler", env: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": wrapper},
				files: map[string]string{
					"wrap":   "#!/bin/sh\nexport WRAPPED=yes\nexec \"$@\"\n",
					"app.py": "import os\ndef handler(event, context):\n    return os.environ['WRAPPED']\n",
				},
			}).ready()
			if got := p.invoke("{}"); got != `"yes"` {
				t.Errorf("%s: %s", wrapper, got)
			}
		}
	})
}
