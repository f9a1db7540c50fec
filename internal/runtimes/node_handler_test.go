package runtimes

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestNodeHandlerForms: every way in which AWS finds a handler.
func TestNodeHandlerForms(t *testing.T) {
	const common, module = "exports.handler = async () => 'here';", "export const handler = async () => 'here';"
	tests := []struct {
		name, handler string
		files         map[string]string
	}{
		{"js", "index.handler", app(common)},
		{"folder", "src/deep/index.handler", map[string]string{"src/deep/index.js": common}},
		{"nested", "index.api.v1.get", app("exports.api = { v1: { get: async () => 'here' } };")},
		{"cjs", "index.handler", map[string]string{"index.cjs": common}},
		{"mjs", "index.handler", map[string]string{"index.mjs": module}},
		{"package-type", "index.handler", map[string]string{"package.json": `{"type":"module"}`, "index.js": module}},
		{"package-type-above", "src/index.handler", map[string]string{"package.json": `{"type":"module"}`, "src/index.js": module}},
		{"package-type-commonjs", "index.handler", map[string]string{"package.json": `{"type":"commonjs"}`, "index.js": common}},
		{"package-json-broken", "index.handler", map[string]string{"package.json": `{`, "index.mjs": module}},
		{"top-level-await", "index.handler", map[string]string{
			"index.mjs": "const word = await new Promise((r) => setTimeout(r, 5, 'here'));\nexport const handler = async () => word;",
		}},
		{"imports", "index.handler", map[string]string{
			"index.mjs":                       "import { word } from 'words';\nimport { same } from './same.mjs';\nexport const handler = async () => same(word);",
			"same.mjs":                        "export const same = (x) => x;",
			"node_modules/words/index.js":     "export const word = 'here';",
			"node_modules/words/package.json": `{"name":"words","type":"module","exports":"./index.js"}`,
		}},
		{"odd-name", "a#b%20c.handler", map[string]string{"a#b%20c.mjs": module}},
		{"folder-as-module", "pkg.handler", map[string]string{"pkg/index.js": common}},
		{"node-style", "dep.handler", map[string]string{"node_modules/dep/package.json": `{"main":"m.js"}`, "node_modules/dep/m.js": common}},
	}
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		for _, tt := range tests {
			p := start(t, c, function{runtime: id, handler: tt.handler, files: tt.files}).ready()
			if got := p.invoke("{}"); got != `"here"` {
				t.Errorf("%s: %s", tt.name, got)
			}
		}
	})
}

func TestNodeInitErrors(t *testing.T) {
	tests := []struct{ name, handler, body, kind, message, trace string }{
		{"no-module", "missing.handler", "", "Runtime.ImportModuleError", "Error: Cannot find module 'missing'\nRequire stack:", ""},
		{"no-dependency", "index.handler", "require('nowhere')", "Runtime.ImportModuleError", "Error: Cannot find module 'nowhere'\nRequire stack:\n- /var/task/index.js", ""},
		{"no-handler", "index.handler", "exports.other = 1", "Runtime.HandlerNotFound", "index.handler is undefined or not exported", ""},
		{"no-function", "index.handler", "exports.handler = 1", "Runtime.HandlerNotFound", "index.handler is not a function", ""},
		{"no-dot", "index", "", "Runtime.MalformedHandlerName", "Bad handler", ""},
		{
			"parent", "../index.handler", "", "Runtime.MalformedHandlerName",
			"'../index.handler' is not a valid handler name. Use absolute paths when specifying root directories in handler names.", "",
		},
		{"syntax", "index.handler", "exports.handler = ) => 1", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected token ')'", "/var/task/index.js:1"},
		{"raises", "index.handler", "throw new TypeError('no')", "TypeError", "no", "TypeError: no\n    at Object.<anonymous> (/var/task/index.js:1:7)"},
		{"raises-text", "index.handler", "throw 'words'", "string", "words", ""},
	}
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		for _, tt := range tests {
			p := start(t, c, function{runtime: id, handler: tt.handler, files: app(tt.body)})
			p.expect(frameBegun)
			got := decodeNodeFailure(t, p.expect(frameInitError))
			if got.Type != tt.kind || !strings.HasPrefix(got.Message, tt.message) || !strings.HasPrefix(strings.Join(got.Trace, "\n"), tt.trace) {
				t.Errorf("%s: %+v", tt.name, got)
			}
			title := "\tundefined\tERROR\tUncaught Exception \t{"
			if nodeMajor(id) >= 24 {
				title = "\t-\tERROR\tInit Error \t{"
			}
			p.printed(title)
			if code := p.exit(); code != 129 {
				t.Errorf("%s: exit %d", tt.name, code)
			}
		}
	})
}

func TestNodeErrorsOutsideTheHandler(t *testing.T) {
	const body = `
exports.handler = (event) => new Promise((resolve) => {
  if (event === 'well') resolve();
  if (event === 'reject') Promise.reject(new Error('nobody waits'));
  if (event === 'throw') setTimeout(() => { throw new TypeError('thrown late'); }, 1);
  if (event === 'exit') process.exit(7);
  if (event === 'later') { setTimeout(() => { throw new Error('after the answer'); }, 20); resolve('answered'); }
});`
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		tests := []struct {
			event, kind, message, log string
			code                      int
		}{
			{"reject", "Runtime.UnhandledPromiseRejection", "Error: nobody waits", "Unhandled Promise Rejection", 128},
			{"throw", "TypeError", "thrown late", "Uncaught Exception", 129},
			{"exit", "", "", "", 7},
			{"later", "", "", "Uncaught Exception", 129},
		}
		for i := range 2 * len(tests) { // in the first invocation and in a later one
			tt := tests[i/2]
			p := start(t, c, function{runtime: id, handler: "index.handler", files: app(body)}).ready()
			if i%2 == 1 {
				if got := p.invoke(`"well"`); got != "null" {
					t.Errorf("before: %s", got)
				}
			}
			switch {
			case tt.kind != "":
				if got := p.nodeFail(`"` + tt.event + `"`); got.Type != tt.kind || got.Message != tt.message || len(got.Trace) == 0 {
					t.Errorf("%s: %+v", tt.event, got)
				}
			case tt.event == "later":
				if got := p.invoke(`"later"`); got != `"answered"` {
					t.Errorf("later: %s", got)
				}
			default:
				p.send(nil, []byte(`"exit"`))
			}
			// No other event may reach a process that ends.
			if _, _, err := p.frame(); err == nil {
				t.Errorf("%s: another frame", tt.event)
			}
			if code := p.exit(); code != tt.code {
				t.Errorf("%s: exit %d", tt.event, code)
			}
			p.printed(tt.log)
		}
	})
}

// TestNodeUnhandledAtInit: an error that nobody waits for fails the init.
func TestNodeUnhandledAtInit(t *testing.T) {
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: map[string]string{
			"index.mjs": "Promise.reject(new Error('early'));\nawait new Promise((r) => setTimeout(r, 50));\nexport const handler = async () => 1;",
		}})
		p.expect(frameBegun)
		if got := decodeNodeFailure(t, p.expect(frameInitError)); got.Type != "Runtime.UnhandledPromiseRejection" || got.Message != "Error: early" {
			t.Errorf("%+v", got)
		}
		if code := p.exit(); code != 128 {
			t.Errorf("exit %d", code)
		}
	})
}

// TestNodeCallbacks: until Node 22 a handler may answer in four ways, and the first one
// counts.
func TestNodeCallbacks(t *testing.T) {
	const body = `
const work = () => setTimeout(() => console.log('worked'), 300);
const ways = {
  callback: (e, c, cb) => { work(); cb(null, 'a'); },
  callbackNow: (e, c, cb) => { work(); c.callbackWaitsForEmptyEventLoop = false; cb(null, 'b'); },
  callbackError: (e, c, cb) => { work(); cb(new Error('told')); },
  callbackText: (e, c, cb) => cb('told'),
  succeed: (e, c) => { work(); c.succeed('c'); },
  done: (e, c) => { work(); c.done(null, 'd'); },
  fail: (e, c) => c.fail(new Error('failed')),
  failNothing: (e, c) => c.fail(),
  nothing: (e, c) => { work(); return 'dropped'; },
  first: (e, c, cb) => { cb(null, 'first'); cb(null, 'second'); c.succeed('third'); },
  never: () => new Promise(() => {}),
  reads: (e, c, cb) => cb(null, c.callbackWaitsForEmptyEventLoop),
};
exports.handler = (event, context, callback) => ways[event](event, context, callback);`
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app(body)})
		if nodeMajor(id) >= 24 {
			p.expect(frameBegun)
			if got := decodeNodeFailure(t, p.expect(frameInitError)); got.Type != "Runtime.CallbackHandlerDeprecated" || !strings.Contains(got.Message, "starting with Node.js 24") {
				t.Errorf("%+v", got)
			}
			return
		}
		p.ready()
		for _, tt := range []struct {
			event, want string
			waits       bool
		}{
			{"callback", `"a"`, true},
			{"callbackNow", `"b"`, false},
			{"succeed", `"c"`, false},
			{"done", `"d"`, false},
			{"nothing", "null", true},
			{"first", `"first"`, false},
			{"never", "null", false},
			{"reads", "true", false},
		} {
			time.Sleep(330 * time.Millisecond) // for work that an earlier one left
			begin := time.Now()
			got := p.invoke(`"` + tt.event + `"`)
			if waited := time.Since(begin) > 250*time.Millisecond; got != tt.want || waited != tt.waits {
				t.Errorf("%s: %s after %v, want %s, waiting %t", tt.event, got, time.Since(begin), tt.want, tt.waits)
			}
		}
		for event, want := range map[string]string{
			"callbackError": "Error: told", "callbackText": "string: told", "fail": "Error: failed", "failNothing": "string: handled",
		} {
			if got := p.nodeFail(`"` + event + `"`); got.Type+": "+got.Message != want {
				t.Errorf("%s: %+v", event, got)
			}
		}
	})
}

// TestNodeAnswersAfterItsPromise: what an async handler leaves to do does not delay its
// answer, and its answer is what JSON makes of it.
func TestNodeAnswersAfterItsPromise(t *testing.T) {
	const body = `
exports.handler = async (event) => {
  setTimeout(() => {}, 10000);
  if (event === 'circle') { const o = {}; o.o = o; return o; }
  if (event === 'thenable') return { then: (resolve) => setTimeout(resolve, 1, 'then') };
  return { date: new Date(0), none: undefined, big: [undefined, NaN, '\ud800'], function: undefined, undefined, text: undefined }[event];
};`
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app(body)}).ready()
		begin := time.Now()
		for event, want := range map[string]string{
			"date": `"1970-01-01T00:00:00.000Z"`, "none": "null", "big": `[null,null,"\ud800"]`, "undefined": "null", "thenable": `"then"`,
		} {
			if got := p.invoke(`"` + event + `"`); got != want {
				t.Errorf("%s: %s, want %s", event, got, want)
			}
		}
		want := "Error"
		if nodeMajor(id) >= 24 {
			want = "Runtime.JSONStringifyError"
		}
		if got := p.nodeFail(`"circle"`); got.Type != want || got.Message != "Unable to stringify response body" {
			t.Errorf("circle: %+v", got)
		}
		if took := time.Since(begin); took > 8*time.Second {
			t.Errorf("answers took %v: they waited for the timers", took)
		}
	})
}

// TestNodeSyncHandlers: since Node 24 what a handler returns is its answer.
func TestNodeSyncHandlers(t *testing.T) {
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app("exports.handler = (event) => { if (event.a === 0) throw new Error('sync'); return 'value'; };")}).ready()
		want := "null"
		if nodeMajor(id) >= 24 {
			want = `"value"`
		}
		if got := p.invoke("{}"); got != want {
			t.Errorf("answer %s, want %s", got, want)
		}
		if got := p.nodeFail(`{"a":0}`); got.Type != "Error" || got.Message != "sync" {
			t.Errorf("%+v", got)
		}
		if got := p.nodeFail(`{`); got.Type != "SyntaxError" {
			t.Errorf("an event that is no JSON: %+v", got)
		}
	})
}

func TestNodeLargePayloads(t *testing.T) {
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app("exports.handler = async (e) => typeof e === 'string' ? e + e : 'x'.repeat(e);")}).ready()
		for _, size := range []int{65_536 - 20, 65_536, 6 << 20} {
			if got := p.invoke(`"` + strings.Repeat("é", size/2) + `"`); len(got) != 2*(size/2*2)+2 {
				t.Errorf("an event of %d bytes: answer of %d", size, len(got))
			}
		}
		if got := p.invoke(fmt.Sprint(20 << 20)); len(got) != 20<<20+2 {
			t.Errorf("answer of %d bytes", len(got))
		}
	})
}

// TestNodeRejectionAtInit: also one that is made in the last step of the init.
func TestNodeRejectionAtInit(t *testing.T) {
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app("exports.handler = async () => 1; Promise.reject(7);")})
		p.expect(frameBegun)
		if got := decodeNodeFailure(t, p.expect(frameInitError)); got.Type != "Runtime.UnhandledPromiseRejection" || got.Message != "7" {
			t.Errorf("%+v", got)
		}
	})
}
