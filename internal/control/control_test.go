package control_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/control"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/logs"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/store"
)

var (
	greet = lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "greet"}
	gone  = lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "gone"}
)

// functions knows greet only.
type functions struct{}

func (functions) Function(_ context.Context, id lambda.FunctionID) (lambda.Function, error) {
	if id != greet {
		return lambda.Function{}, store.ErrNotFound
	}
	return lambda.Function{ID: id}, nil
}

// serve runs a server on the socket of a fresh folder until end is called.
func serve(t *testing.T, data string) (lines *logs.Store, client *control.Client, end func()) {
	t.Helper()
	lines, err := logs.Open(t.TempDir(), logs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := control.Listen(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	deps := control.Deps{Logs: lines, Functions: functions{}, Account: greet.Account, Region: greet.Region}
	s := &http.Server{Handler: control.Handler(ctx, deps)}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	end = sync.OnceFunc(func() {
		cancel(nil)
		if err := s.Shutdown(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
		<-served
	})
	t.Cleanup(func() { end(); _ = lines.Close() })
	return lines, control.NewClient(data), end
}

func write(t *testing.T, s *logs.Store, id lambda.FunctionID, text string) {
	t.Helper()
	w := s.Writer(id, "stream")
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func texts(t *testing.T, c *control.Client, name string, q control.Query) (all []string) {
	t.Helper()
	for line, err := range c.Log(t.Context(), name, q) {
		if err != nil {
			t.Fatal(err)
		}
		if line.Stream != "stream" || time.Since(line.Time) > time.Minute {
			t.Errorf("line %+v", line)
		}
		all = append(all, string(line.Text))
	}
	return all
}

func TestLinesArriveAsTheyWereWritten(t *testing.T) {
	lines, client, _ := serve(t, t.TempDir())
	write(t, lines, greet, "one\n\x1b[31mtwo\xff\n")
	for _, name := range []string{"greet", greet.ARN()} {
		if diff := cmp.Diff([]string{"one", "\x1b[31mtwo\xff"}, texts(t, client, name, control.Query{})); diff != "" {
			t.Error(diff)
		}
	}
	if late := texts(t, client, "greet", control.Query{Since: time.Now().Add(time.Hour)}); late != nil {
		t.Errorf("lines of the future: %q", late)
	}
}

func TestALogOutlivesItsFunction(t *testing.T) {
	lines, client, _ := serve(t, t.TempDir())
	write(t, lines, gone, "last words\n")
	if diff := cmp.Diff([]string{"last words"}, texts(t, client, "gone", control.Query{})); diff != "" {
		t.Error(diff)
	}
}

func TestFollowingEndsWithTheServer(t *testing.T) {
	lines, client, end := serve(t, t.TempDir())
	write(t, lines, greet, "stored\n")
	var got []string
	for line, err := range client.Log(t.Context(), "greet", control.Query{Follow: true}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(line.Text))
		switch len(got) {
		case 1:
			write(t, lines, greet, "new\n")
		case 2:
			go end()
		}
	}
	if diff := cmp.Diff([]string{"stored", "new"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFollowingEndsWithItsReader(t *testing.T) {
	_, client, _ := serve(t, t.TempDir())
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, enough)
	defer cancel()
	var last error
	for _, err := range client.Log(ctx, "greet", control.Query{Follow: true}) {
		last = err
	}
	if !errors.Is(last, enough) && !errors.Is(last, context.DeadlineExceeded) {
		t.Errorf("ended with %v", last)
	}
}

func TestReceiptsArriveAsInvocationsEnd(t *testing.T) {
	data, receipts := t.TempDir(), &control.Receipts{}
	l, err := control.Listen(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: control.Handler(t.Context(), control.Deps{Functions: functions{}, Receipts: receipts, Account: greet.Account, Region: greet.Region})}
	go func() { _ = s.Serve(l) }() // ends with Close
	defer s.Close()
	ctx, stop := context.WithTimeoutCause(t.Context(), 10*time.Second, errors.New("no receipt came"))
	defer stop()
	for r, err := range control.NewClient(data).Receipts(ctx, greet.ARN(), func() { publish(receipts) }) {
		if err != nil || r.RequestID != "mine" || r.Start != receipt.Cold || r.Spent[receipt.Init] != time.Second {
			t.Errorf("%+v, %v", r, err)
		}
		break
	}
}

// slow has one receipt of greet.
type slow struct{}

func (slow) Of(_ context.Context, id lambda.FunctionID) ([]receipt.Receipt, error) {
	r := receipt.Receipt{RequestID: id.Name, Start: receipt.Warm, Used: receipt.Used{Waiting: receipt.Of(41 * time.Millisecond)}}
	return []receipt.Receipt{r, r}, nil
}

func TestTheSlowestAreSent(t *testing.T) {
	data := t.TempDir()
	l, err := control.Listen(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := logs.Open(t.TempDir(), logs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer lines.Close()
	s := &http.Server{Handler: control.Handler(t.Context(), control.Deps{Functions: functions{}, Logs: lines, Slowest: slow{}, Account: greet.Account, Region: greet.Region})}
	go func() { _ = s.Serve(l) }() // ends with Close
	defer s.Close()
	n := 0
	for r, err := range control.NewClient(data).Slowest(t.Context(), "greet") {
		if n++; err != nil || r.RequestID != "greet" || r.Used.Waiting != receipt.Of(41*time.Millisecond) || r.Used.CPU.Known {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if n != 2 {
		t.Errorf("%d receipts", n)
	}
	for _, err := range control.NewClient(data).Slowest(t.Context(), "nobody") {
		if !errors.Is(err, control.ErrNoFunction) {
			t.Errorf("of nobody: %v", err)
		}
	}
}

// publish hands on one receipt of greet, after those of others.
func publish(receipts *control.Receipts) {
	r := receipt.Receipt{RequestID: "mine", Tier: lambda.TierLight, Start: receipt.Cold}
	r.Spent[receipt.Init] = time.Second
	receipts.Publish(gone, receipt.Receipt{RequestID: "another function's"})
	receipts.Publish(lambda.FunctionID{Account: "999999999999", Region: greet.Region, Name: greet.Name}, receipt.Receipt{RequestID: "another account's"})
	receipts.Publish(greet, r)
}

func TestErrorsThatCallersTellApart(t *testing.T) {
	_, client, _ := serve(t, t.TempDir())
	for name, want := range map[string]error{"nobody": control.ErrNoFunction, "not a name": control.ErrNoFunction} {
		if got := failure(t, client, name); !errors.Is(got, want) {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
	if got := failure(t, control.NewClient(t.TempDir()), "greet"); !errors.Is(got, control.ErrNoServer) {
		t.Errorf("without a server: %v", got)
	}
}

func failure(t *testing.T, c *control.Client, name string) (last error) {
	t.Helper()
	for _, err := range c.Log(t.Context(), name, control.Query{}) {
		last = err
	}
	return last
}

func TestTheSocketIsItsOwners(t *testing.T) {
	data := t.TempDir()
	serve(t, data)
	info, err := os.Stat(filepath.Join(data, control.Socket))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestADeadServersSocketIsReplaced leaves a socket behind as a killed server does.
func TestADeadServersSocketIsReplaced(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, control.Socket), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, client, _ := serve(t, data)
	texts(t, client, "greet", control.Query{})
}

func TestAFolderDeeperThanASocketsAddress(t *testing.T) {
	data := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	_, client, _ := serve(t, data)
	texts(t, client, "greet", control.Query{})
	if got := failure(t, control.NewClient(data+"/elsewhere"), "greet"); !errors.Is(got, control.ErrNoServer) {
		t.Errorf("without a server: %v", got)
	}
}

func TestABadQueryIsRefused(t *testing.T) {
	deps := control.Deps{Functions: functions{}}
	for _, query := range []string{"since=yesterday", "follow=perhaps"} {
		w := httptest.NewRecorder()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/v1/functions/greet/log?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		control.Handler(t.Context(), deps).ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", query, w.Code)
		}
	}
}
