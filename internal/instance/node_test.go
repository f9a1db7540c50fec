package instance_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

const nodeApp = `
let calls = 0;
exports.handler = async (event, context) => {
  calls++;
  if (event === 'sleep') {
    console.log('going to sleep');
    await new Promise((wake) => setTimeout(wake, 3600e3));
  }
  if (event === 'raise') throw new RangeError('no');
  if (event === 'exit') process.exit(0);
  if (event === 'reject') { Promise.reject(new Error('alone')); await new Promise((wake) => setTimeout(wake, 1e3)); }
  if (event === 'big') return 'x'.repeat(7 << 20);
  console.log('called', calls);
  return [calls, context.awsRequestId, context.memoryLimitInMB];
};
`

// testNode holds the lifecycle of a runtime that is given its stream directly.
func testNode(t *testing.T, d sandbox.Driver, tier lambda.Tier) {
	folder := openFolder(t)
	c, err := runtimes.New(runtimes.Options{Dir: filepath.Join(folder, "runtimes")})
	if err != nil {
		t.Fatal(err)
	}
	id := anyRuntime(t, c, "nodejs")
	code := openFolder(t)
	if err := os.WriteFile(filepath.Join(code, "app.js"), []byte(nodeApp), 0o644); err != nil {
		t.Fatal(err)
	}
	r := startRuntime(t, d, tier, code, id, c)
	r.expect("go", `[1,"`+requestID+`","128"]`)
	rec := r.expect("go", `[2,"`+requestID+`","128"]`)
	wantLog(t, string(rec.TailLog), "START ", "\t"+requestID+"\tINFO\tcalled 2\n", "END ")
	t.Logf("%s: launch %+v, warm %v", id, r.Launch(), rec.Wall())
	testInterpreterTimeout(startWithin(t, d, tier, code, id, c, awaited), `[1,"`+requestID+`","128"]`)
	r.expect("exit", fails("Runtime.ExitError", "Runtime exited without providing a reason"))
	// What follows a rejection at once must not meet the process that ends of it.
	for _, event := range []string{"reject", "raise", "big"} {
		want := map[string]string{"reject": `"Runtime.UnhandledPromiseRejection"`, "raise": `"RangeError"`, "big": `"Function.ResponseSizeTooLarge"`}
		if got, _ := r.do(event); !strings.Contains(got, `"errorType":`+want[event]) {
			t.Errorf("%s: %.300s", event, got)
		}
	}
	r.expect("go", `[3,"`+requestID+`","128"]`)
}
