package instance_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/fake"
)

// loop is a custom runtime: it answers events until it is killed or told to exit.
func loop(ctx context.Context, p *fake.Proc) sandbox.Exit {
	client, api := clientIn(p), "http://"+p.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/"
	for n := 1; ; n++ {
		event, id, err := next(ctx, client, api)
		if err != nil {
			return sandbox.Exit{Code: 1}
		}
		if event == `"exit"` {
			return sandbox.Exit{Code: 5}
		}
		answer := fmt.Sprintf(`{"n":%d,"event":%s}`, n, event)
		if event == `"home"` {
			answer = get(ctx, client, p.Getenv("AWS_ENDPOINT_URL_LAMBDA"))
		}
		if err := post(ctx, client, api+"invocation/"+id+"/response", answer); err != nil {
			return sandbox.Exit{Code: 2}
		}
	}
}

func next(ctx context.Context, c *http.Client, api string) (event, id string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"invocation/next", nil)
	if err != nil {
		return "", "", err
	}
	res, err := c.Do(req)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return string(body), res.Header.Get("Lambda-Runtime-Aws-Request-Id"), err
}

func get(ctx context.Context, c *http.Client, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	res, err := c.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body)
	return string(body)
}

func post(ctx context.Context, c *http.Client, url, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func TestHTTPRuntime(t *testing.T) {
	s := fake.Script{Program: loop, Faults: []fake.Fault{{At: fake.Run, Wait: 30 * time.Millisecond}}}
	bubble(t, s, func(t *testing.T, r *rig) {
		r.deps.Runtimes = catalogue{provided}
		r.bootstrap(0o755)
		r.deps.CallHome = func(target *lambda.Target) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `"you are `+target.ID.Name+`"`) })
		}
		i := r.start()
		if l := i.Launch(); l.Runtime != 30*time.Millisecond || l.Init != 0 {
			t.Errorf("launch %+v", l)
		}
		r.expect(i, `1`, `{"n":1,"event":1}`)
		r.expect(i, `2`, `{"n":2,"event":2}`)
		r.expect(i, `"home"`, `"you are fn"`)
		r.expect(i, `"exit"`, fails("Runtime.ExitError", "Runtime exited with error: exit status 5"))
		r.expect(i, `3`, `{"n":1,"event":3}`)
		r.finish(i)
	})
}

// A runtime that ends at once is a failed initialisation.
func TestHTTPRuntimeExits(t *testing.T) {
	s := fake.Script{Program: func(context.Context, *fake.Proc) sandbox.Exit { return sandbox.Exit{Code: 1} }}
	bubble(t, s, func(t *testing.T, r *rig) {
		r.deps.Runtimes = catalogue{provided}
		r.bootstrap(0o755)
		i := r.start()
		r.expect(i, `{}`, fails("Runtime.ExitError", "Runtime exited with error: exit status 1"))
		r.finish(i)
	})
}

// A function that opens connections without end gets no more than its share of the
// host's descriptors, and is answered once it gives some back.
func TestConnectionsAreBounded(t *testing.T) {
	opened := 0
	s := fake.Script{Program: func(ctx context.Context, p *fake.Proc) sandbox.Exit {
		for {
			bounded, cancel := context.WithTimeoutCause(ctx, time.Second, errBoom)
			_, err := p.Dial(bounded, p.Getenv("AWS_LAMBDA_RUNTIME_API"))
			cancel()
			if err != nil {
				return sandbox.Exit{}
			}
			opened++
		}
	}}
	bubble(t, s, func(t *testing.T, r *rig) {
		r.deps.Runtimes = catalogue{provided}
		r.bootstrap(0o755)
		i, err := instance.NewLauncher(r.deps).Start(t.Context(), r.target)
		if err != nil {
			t.Fatal(err)
		}
		if opened != 64 {
			t.Errorf("the function opened %d connections", opened)
		}
		r.finish(i)
	})
}
