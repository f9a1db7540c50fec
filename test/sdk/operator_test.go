package sdk

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"lambent.dev/lambent/test/sdk/lambent"
)

func freePort(t *testing.T) string {
	t.Helper()
	addr, err := lambent.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// refusalLimit is how long a server that cannot start may take to say so.
const refusalLimit = 20 * time.Second

// refusesToStart runs `lambent up`, which must end by itself and say want.
func refusesToStart(t *testing.T, data, listen, want string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "lambent"), "up", "--data", data, "--listen", listen, "--admin", freePort(t))
	end := time.AfterFunc(refusalLimit, func() { _ = cmd.Process.Kill() })
	defer end.Stop()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), want) {
		t.Errorf("lambent up = %v, want exit code 1 and %q:\n%s", err, want, out)
	}
	if strings.Contains(string(out), "panic") || strings.Contains(string(out), "goroutine ") {
		t.Errorf("it broke:\n%s", out)
	}
}

func TestPortTaken(t *testing.T) {
	needs(t)
	data := t.TempDir()
	check := watchHost(t, data, binaries)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	refusesToStart(t, data, l.Addr().String(), "listening on "+l.Addr().String()+": another program does already: end it, or choose another --listen")
	check()
}

func TestDamagedDatabase(t *testing.T) {
	needs(t)
	data := t.TempDir()
	check := watchHost(t, data, binaries)
	d := up(t, data)
	deploy(t, d.client(), creation(t, "echo", "app.py", "app.echo"))
	d.stop()
	path := filepath.Join(data, "control.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"garbage":        []byte(strings.Repeat("this is no database", 1000)),
		"damaged inside": append(whole[:4096:4096], make([]byte, len(whole)-4096)...),
		"cut short":      whole[:len(whole)/2],
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			refusesToStart(t, data, freePort(t), "control.db")
			if left, err := os.ReadFile(path); err != nil || string(left) != string(damaged) {
				t.Errorf("the damaged file was changed: %d bytes of %d, %v", len(left), len(damaged), err)
			}
		})
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	d = up(t, data)
	answers(t, d.client(), "echo", `1`, `1`)
	d.stop()
	check()
}

// mountTmpfs gives the test a file system of its own.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("lambent-test", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("needs to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
	return dir
}

func TestReadOnlyData(t *testing.T) {
	needs(t)
	dir := mountTmpfs(t, "size=1m")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	refusesToStart(t, filepath.Join(dir, "data"), freePort(t), "read-only file system")
	refusesToStart(t, dir, freePort(t), "read-only file system")
}

// On a full disk a create fails with an error of Lambda's shape and leaves nothing; when
// there is room again everything is as it was.
func TestFullDisk(t *testing.T) {
	needs(t)
	data := mountTmpfs(t, "size=1g") // /tmp volumes are sparse, but must fit
	d := up(t, data)
	client := d.client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	answers(t, client, "echo", `1`, `1`)
	fill := exec.Command("dd", "if=/dev/zero", "of="+filepath.Join(data, "filler"), "bs=1M")
	_ = fill.Run() // ends with "no space left"
	answers(t, client, "echo", `2`, `2`)
	_, err := client.CreateFunction(t.Context(), creation(t, "late", "hostile.py", "hostile.echo"))
	var service *types.ServiceException
	if !errors.As(err, &service) {
		t.Errorf("create on a full disk: %v, want a ServiceException", err)
	}
	missing(t, client, "late")
	if err := os.Remove(filepath.Join(data, "filler")); err != nil {
		t.Fatal(err)
	}
	deploy(t, client, creation(t, "late", "hostile.py", "hostile.echo"))
	answers(t, client, "late", `3`, `3`)
	answers(t, client, "echo", `4`, `4`)
}

// kill -9 with 50 invocations under way: the callers see a broken connection, the host
// nothing, and the next server serves.
func TestKillUnderLoad(t *testing.T) {
	t.Parallel()
	needs(t)
	w := watch(t)
	d := w.up()
	client := d.client()
	in := creation(t, "state", "app.py", "app.state")
	in.Timeout = aws.Int32(60) // a busy host starts so many slowly
	deploy(t, client, in)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("state"), Payload: []byte(`{"sleep":50}`)})
			if err == nil {
				t.Error("a killed server answered")
			}
		})
	}
	d.awaitBusy(10) // the others may wait for memory
	d.kill()
	all.Wait()
	d = w.up()
	answers(t, d.client(), "state", `{}`, `{"number":0,"content":null}`)
	d.stop()
	w.leftNothing()
}

// 200 requests at once for instances that do not exist, with memory for four: all are
// answered, by the function or by a 429 that says why.
func TestColdStartsBeyondMemory(t *testing.T) {
	needs(t)
	t.Setenv("LAMBENT_MEMORY_BUDGET", "512")
	t.Setenv("LAMBENT_QUEUE_LIMIT", "20")
	data := t.TempDir()
	check := watchHost(t, data, binaries)
	d := up(t, data)
	client := d.client()
	for i := range 4 {
		deploy(t, client, creation(t, "state"+strconv.Itoa(i), "app.py", "app.state"))
	}
	var served, refused atomic.Int32
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			out, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("state" + strconv.Itoa(i%4)), Payload: []byte(`{"sleep":0.1}`)})
			var throttled *types.TooManyRequestsException
			switch {
			case err == nil && out.FunctionError == nil:
				served.Add(1)
			case errors.As(err, &throttled) && throttled.Reason != "":
				refused.Add(1)
			default:
				t.Errorf("%v, %+v", err, out)
			}
		})
	}
	all.Wait()
	if served.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d served, %d refused, want some of both", served.Load(), refused.Load())
	}
	answers(t, client, "state0", `{"number":8}`, `{"number":8,"content":null}`)
	d.stop()
	check()
}
