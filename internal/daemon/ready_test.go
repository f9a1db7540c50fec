package daemon_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store/sqlite"
	"lambent.dev/lambent/internal/vault"
)

// BenchmarkReady is the time from the start of the process `lambent up` to its first
// answer on /readyz, with 1,000 functions stored.
func BenchmarkReady(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root: the tier light does")
	}
	program, data := buildLambent(b), b.TempDir()
	storeFunctions(b, data, 1000)
	var all []time.Duration
	for b.Loop() {
		all = append(all, timeToReady(b, program, data))
	}
	slices.Sort(all)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "max-ms")
}

func buildLambent(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./cmd/...")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("building lambent: %v\n%s", err, out)
	}
	return filepath.Join(dir, "lambent")
}

func storeFunctions(b *testing.B, data string, n int) {
	b.Helper()
	key, _, err := vault.Load(filepath.Join(data, "secret.key"))
	if err != nil {
		b.Fatal(err)
	}
	s, err := sqlite.Open(b.Context(), data, key)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		if err := s.CreateFunction(b.Context(), aFunction(i)); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// aFunction is an ordinary one: some variables, one published version.
func aFunction(i int) lambda.Function {
	id := lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: fmt.Sprintf("function-%04d", i)}
	v := lambda.Version{
		Version: lambda.Latest, Role: "arn:aws:iam::000000000000:role/any", Runtime: "python3.11", Handler: "app.handler",
		Timeout: 3, MemorySize: 128, TmpSize: 512, PackageType: "Zip", Architecture: "x86_64", TracingMode: "PassThrough",
		EnvironmentSet: true, Environment: map[string]string{"TABLE": "baskets", "STAGE": "test"},
		Logging: lambda.Logging{Format: "Text", Group: id.LogGroup()},
		Code:    lambda.Code{Digest: fmt.Sprintf("%064x", i), Size: 1000},
		State:   "Active", LastUpdateStatus: "Successful", RevisionID: "r", LastModified: time.Now(), Generation: uint64(i + 1),
	}
	first := v
	first.Version = "1"
	return lambda.Function{ID: id, Latest: v, Published: []lambda.Version{first}, LastVersion: 1}
}

func timeToReady(b *testing.B, program, data string) time.Duration {
	b.Helper()
	return whileReady(b, program, data, func(*os.Process, string) {})
}

// whileReady runs a server, calls do when it is ready, with its admin address, and returns
// how long it took to be.
func whileReady(b *testing.B, program, data string, do func(server *os.Process, admin string)) time.Duration {
	b.Helper()
	admin := freeAddress(b)
	var log strings.Builder
	cmd := exec.Command(program, "up", "--data", data, "--listen", freeAddress(b), "--admin", admin)
	cmd.Stderr = &log
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	took := awaitReady(b, admin, began)
	if took > 0 {
		do(cmd.Process, admin)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Error(err)
	}
	if err := cmd.Wait(); err != nil || took == 0 {
		b.Fatalf("lambent: %v\n%s", err, &log)
	}
	return took
}

// awaitReady returns 0 if the server is not ready in time.
func awaitReady(b *testing.B, admin string, began time.Time) time.Duration {
	b.Helper()
	for time.Since(began) < time.Minute {
		if answer, err := http.Get("http://" + admin + "/readyz"); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		time.Sleep(time.Millisecond)
	}
	return 0
}

func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
