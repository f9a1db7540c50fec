package runtimes

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNodeContext(t *testing.T) {
	const body = `
exports.handler = async (event, context) => ({
  context, keys: Object.keys(context).sort(), trace: process.env._X_AMZN_TRACE_ID,
  remaining: context.getRemainingTimeInMillis() > 1000 && context.getRemainingTimeInMillis() <= 3000,
});`
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app(body)}).ready()
		p.send(map[string]any{
			"tenantId": "blue", "traceId": "Root=1-2-3", "identity": map[string]any{"cognitoIdentityId": "i"},
			"clientContext": map[string]any{"custom": map[string]any{"a": "b"}},
		}, []byte("{}"))
		keys := []any{
			"awsRequestId", "clientContext", "functionName", "functionVersion", "getRemainingTimeInMillis", "identity",
			"invokedFunctionArn", "logGroupName", "logStreamName", "memoryLimitInMB", "tenantId",
		}
		context := map[string]any{
			"functionVersion": "$LATEST", "functionName": "fn", "memoryLimitInMB": "128", "logGroupName": "/aws/lambda/fn",
			"logStreamName": "2026/01/01/[$LATEST]abc", "clientContext": map[string]any{"custom": map[string]any{"a": "b"}},
			"identity": map[string]any{"cognitoIdentityId": "i"}, "invokedFunctionArn": "arn:fn", "awsRequestId": "8d5f", "tenantId": "blue",
		}
		if nodeMajor(id) < 24 {
			keys = append([]any{"awsRequestId", "callbackWaitsForEmptyEventLoop", "clientContext", "done", "fail"}, keys[2:]...)
			keys = slices.Insert(keys, slices.Index(keys, any("tenantId")), any("succeed"))
			context["callbackWaitsForEmptyEventLoop"] = true
		}
		want := map[string]any{"context": context, "keys": keys, "trace": "Root=1-2-3", "remaining": true}
		if diff := cmp.Diff(want, decoded(t, p.expect(frameResponse))); diff != "" {
			t.Error(diff)
		}
		if got := p.invoke("{}"); strings.Contains(got, "blue") || strings.Contains(got, "Root") || strings.Contains(got, "clientContext\":{") {
			t.Errorf("the next invocation sees the last one's: %s", got)
		}
	})
}

func TestNodeTextLog(t *testing.T) {
	const body = `
console.log('at init');
exports.handler = async () => {
  console.log('two\nlines', { a: 1 });
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) console[level]('%s!', level);
  process.stdout.write('plain\n');
};`
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app(body)}).ready()
		p.invoke("{}")
		text := regexp.MustCompile(`(?m)^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`).ReplaceAllString(p.printed("plain"), "T")
		before := "undefined"
		if nodeMajor(id) >= 24 {
			before = "-"
		}
		want := "T\t" + before + "\tINFO\tat init\nT\t8d5f\tINFO\ttwo\rlines { a: 1 }\n"
		for _, level := range []string{"trace", "debug", "info", "warn", "error", "fatal"} {
			want += "T\t8d5f\t" + strings.ToUpper(level) + "\t" + level + "!\n"
		}
		if diff := cmp.Diff(want+"plain\n", text); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNodeJSONLog(t *testing.T) {
	const body = `
exports.handler = async () => {
  console.debug('not this');
  console.info('answer %d', 42);
  console.warn({ a: 1, nested: new RangeError('inside') });
  console.error('failed:', new TypeError('caught'));
  const circle = { name: 'c' }; circle.self = circle;
  console.log(circle);
  console.log(1n);
  throw new Error('unhandled');
};`
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{
			runtime: id, handler: "index.handler", files: app(body),
			env: map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"},
		}).ready()
		p.send(map[string]any{"tenantId": "blue"}, []byte("{}"))
		p.expect(frameError)
		var lines []map[string]any
		for line := range strings.Lines(p.printed("unhandled")) {
			value := decoded(t, []byte(line)).(map[string]any)
			at, err := time.Parse("2006-01-02T15:04:05.000Z", value["timestamp"].(string))
			if err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("timestamp %v", value["timestamp"])
			}
			if value["requestId"] != "8d5f" || value["tenantId"] != "blue" {
				t.Errorf("%s", line)
			}
			delete(value, "timestamp")
			delete(value, "requestId")
			delete(value, "tenantId")
			lines = append(lines, shortStacks(value))
		}
		want := []map[string]any{
			{"level": "INFO", "message": "answer 42"},
			{"level": "WARN", "message": map[string]any{"a": 1.0, "nested": map[string]any{
				"errorType": "RangeError", "errorMessage": "inside", "stackTrace": "RangeError: inside",
			}}},
			{"level": "ERROR", "message": "", "errorType": "TypeError", "errorMessage": "caught", "stackTrace": "TypeError: caught"},
			{"level": "INFO", "message": "<ref *1> { name: 'c', self: [Circular *1] }"},
			{"level": "INFO", "message": "1n"},
			{"level": "ERROR", "message": map[string]any{"errorType": "Error", "errorMessage": "unhandled", "stackTrace": "Error: unhandled"}},
		}
		if len(lines) > 2 {
			if text, _ := lines[2]["message"].(string); !strings.HasPrefix(text, "failed: TypeError: caught\n    at ") {
				t.Errorf("message %q", text)
			}
			lines[2]["message"] = ""
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Error(diff)
		}
	})
}

// shortStacks leaves the first line of every stack.
func shortStacks(value map[string]any) map[string]any {
	for key, v := range value {
		if inner, ok := v.(map[string]any); ok {
			shortStacks(inner)
		}
		if stack, ok := v.([]any); ok && key == "stackTrace" {
			value[key] = stack[0]
		}
	}
	return value
}

func TestNodeLayers(t *testing.T) {
	esm := func(word string) map[string]string {
		return map[string]string{"package.json": `{"type":"module","exports":{".":"./main.js","./sub":"./sub.js"}}`, "main.js": "export default '" + word + "';", "sub.js": "export default '" + word + "-sub';"}
	}
	layer := map[string]string{"other/index.js": "module.exports = 'other';"}
	put := func(folder string, files map[string]string) {
		for name, body := range files {
			layer[folder+"/"+name] = body
		}
	}
	put("nodejs/node_modules/modern", esm("general"))
	put("nodejs/node_modules/old", map[string]string{"index.js": "module.exports = 'old';"})
	put("nodejs/node_modules/both", map[string]string{"package.json": `{"exports":{"import":"./m.mjs","require":"./c.js"}}`, "m.mjs": "export default 'imported';", "c.js": "module.exports = 'required';"})
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		put("nodejs/node"+majorOf(id)+"/node_modules/versioned", esm("versioned"))
		common := start(t, c, function{runtime: id, handler: "index.handler", opt: layer, files: app(
			"exports.handler = async (e) => [require('old'), require('both'), e.import && (await import('modern')).default];")}).ready()
		if got := common.invoke("{}"); got != `["old","required",null]` {
			t.Errorf("require: %s", got)
		}
		if nodeMajor(id) < 18 {
			return // as on AWS: import from layers came with Node 18
		}
		if got := common.invoke(`{"import":true}`); got != `["old","required","general"]` {
			t.Errorf("import in CommonJS: %s", got)
		}
		module := start(t, c, function{runtime: id, handler: "index.handler", opt: layer, files: map[string]string{
			"index.mjs": `import a from 'modern'; import b from 'modern/sub'; import c from 'old'; import d from 'both'; import e from 'versioned';
let missing; try { await import('nowhere'); } catch (error) { missing = error.code; }
export const handler = async () => [a, b, c, d, e, missing];`,
		}}).ready()
		if got := module.invoke("{}"); got != `["general","general-sub","old","imported","versioned","ERR_MODULE_NOT_FOUND"]` {
			t.Errorf("import: %s", got)
		}
		own := start(t, c, function{
			runtime: id, handler: "index.handler", opt: layer, env: map[string]string{"NODE_PATH": "/opt"},
			files: map[string]string{"index.mjs": "import a from 'other/index.js';\nexport const handler = async () => a;"},
		}).ready()
		if got := own.invoke("{}"); got != `"other"` {
			t.Errorf("NODE_PATH of its own: %s", got)
		}
	})
}

func TestNodeEnvironment(t *testing.T) {
	const body = `
exports.handler = async () => ({
  env: process.env, cwd: process.cwd(), argv: process.execArgv, gc: typeof gc, version: process.versions.node,
  fds: require('child_process').execFileSync('/bin/ls', ['/proc/self/fd']).toString().trim().split('\n').slice(0, 3),
  heap: Math.round(require('v8').getHeapStatistics().heap_size_limit / 1048576),
});`
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app(body)}).ready()
		var got struct {
			Env       map[string]string
			Cwd, GC   string
			Argv, FDs []string
			Version   string
			Heap      int
		}
		if err := json.Unmarshal([]byte(p.invoke("{}")), &got); err != nil {
			t.Fatal(err)
		}
		if got.Cwd != "/var/task" || got.GC != "function" || !strings.HasPrefix(got.Version, majorOf(id)+".") {
			t.Errorf("%+v", got)
		}
		modules := "/opt/nodejs/node" + majorOf(id) + "/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"
		if got.Env["NODE_PATH"] != modules || got.Env["AWS_EXECUTION_ENV"] != "AWS_Lambda_"+id {
			t.Errorf("%v", got.Env)
		}
		if _, shown := got.Env["LAMBENT_STREAM"]; shown || !slices.Equal(got.FDs, []string{"0", "1", "2"}) {
			t.Errorf("the stream shows: %v, %v", got.Env["LAMBENT_STREAM"], got.FDs)
		}
		if got.Heap < 100 || got.Heap > 150 || !slices.Contains(got.Argv, "--max-old-space-size=116") || !slices.Contains(got.Argv, "--max-semi-space-size=6") {
			t.Errorf("heap %d MiB, %v", got.Heap, got.Argv)
		}
	})
}

// TestNodeFeaturesComeBack: what AWS turns off, NODE_OPTIONS turns on.
func TestNodeFeaturesComeBack(t *testing.T) {
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		if nodeMajor(id) != 22 {
			t.Skip("AWS turns these off in Node 20 and 22 only; 22 has both")
		}
		f := function{runtime: id, handler: "index.handler", files: app("import 'node:fs';\nexport const handler = async () => 1;")}
		p := start(t, c, f)
		p.expect(frameBegun)
		if got := decodeNodeFailure(t, p.expect(frameInitError)); got.Type != "Runtime.UserCodeSyntaxError" {
			t.Errorf("%+v", got)
		}
		f.env = map[string]string{"NODE_OPTIONS": "--experimental-require-module --experimental-detect-module"}
		if got := start(t, c, f).ready().invoke("{}"); got != "1" {
			t.Errorf("answer %s", got)
		}
	})
}

func TestNodeExecWrapper(t *testing.T) {
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{
			runtime: id, handler: "index.handler", env: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrap"},
			files: map[string]string{
				"wrap":     "#!/bin/sh\nexport WRAPPED=yes\nexec \"$@\"\n",
				"index.js": "exports.handler = async () => process.env.WRAPPED;",
			},
		}).ready()
		if got := p.invoke("{}"); got != `"yes"` {
			t.Errorf("answer %s", got)
		}
	})
}

// TestNodeManyLines: a reader that is slow loses nothing, also where the function has
// made the pipe non-blocking.
func TestNodeManyLines(t *testing.T) {
	const body = `
exports.handler = async (n) => {
  process.stdout.write('first\n');
  for (let i = 0; i < n; i++) console.log('line ' + i + ' ' + 'x'.repeat(200));
  console.log('last');
};`
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app(body)}).ready()
		p.invoke("5000")
		if got := strings.Count(p.printed("last"), "\n"); got != 5002 {
			t.Errorf("%d lines", got)
		}
	})
}
