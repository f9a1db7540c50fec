package runtimes

import (
	"strings"
	"testing"
)

func TestNodeAnswers(t *testing.T) {
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app(`
let count = 0;
exports.handler = async (event) => ({ got: event, count: ++count });
`)}).ready()
		for i, want := range []string{`{"got":{"a":[1,2.5,null,"ü"]},"count":1}`, `{"got":{"a":[1,2.5,null,"ü"]},"count":2}`} {
			if got := p.invoke(` {"a":[1,2.5,null,"ü"]}` + "\n"); got != want {
				t.Errorf("answer %d = %s, want %s", i, got, want)
			}
		}
		p.conn.Close()
		if code := p.exit(); code != 0 || p.out.String() != "" {
			t.Errorf("exit %d when the stream closed, output %q", code, p.out)
		}
	})
}

func TestNodeHandlerError(t *testing.T) {
	eachNode(t, func(t *testing.T, c *Catalogue, id string) {
		p := start(t, c, function{runtime: id, handler: "index.handler", files: app(
			"exports.handler = async () => {\n  const e = new RangeError('Handler fails');\n  e.hint = 7;\n  throw e;\n};\n")}).ready()
		got := p.nodeFail("{}")
		if got.Type != "RangeError" || got.Message != "Handler fails" || len(got.Trace) < 2 ||
			got.Trace[0] != "RangeError: Handler fails" || !strings.Contains(got.Trace[1], "(/var/task/index.js:2:13)") {
			t.Errorf("%+v", got)
		}
		log := p.printed("stack")
		if !strings.Contains(log, "\t8d5f\tERROR\tInvoke Error \t{\"errorType\":\"RangeError\",\"errorMessage\":\"Handler fails\",\"hint\":7,\"stack\":[") {
			t.Errorf("log %q", log)
		}
		if got := p.nodeFail("{}"); got.Type != "RangeError" {
			t.Errorf("second invocation: %+v", got)
		}
	})
}
