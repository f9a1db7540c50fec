package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// snapped is a client with a function that has SnapStart.
type snapped struct {
	*testing.T
	d      *daemon
	client *lambda.Client
	name   string
}

func snapStarted(t *testing.T, d *daemon, change ...func(*lambda.CreateFunctionInput)) *snapped {
	t.Helper()
	s := &snapped{T: t, d: d, client: d.client(), name: "snapped"}
	in := creation(t, s.name, "snapped.py", "snapped.handler")
	in.SnapStart = &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions}
	in.Environment = &types.Environment{Variables: map[string]string{}}
	for _, f := range change {
		f(in)
	}
	deploy(t, s.client, in)
	return s
}

func variable(name, value string) func(*lambda.CreateFunctionInput) {
	return func(in *lambda.CreateFunctionInput) { in.Environment.Variables[name] = value }
}

// publish publishes a version, which must not be active at once.
func (s *snapped) publish() string {
	s.Helper()
	out, err := s.client.PublishVersion(s.Context(), &lambda.PublishVersionInput{FunctionName: &s.name})
	if err != nil {
		s.Fatal(err)
	}
	if out.State != types.StatePending || out.StateReasonCode != types.StateReasonCodeCreating || out.SnapStart.OptimizationStatus != types.SnapStartOptimizationStatusOff {
		s.Errorf("published: %s, %s, %+v", out.State, out.StateReasonCode, out.SnapStart)
	}
	return aws.ToString(out.Version)
}

// settled waits until a version is not Pending any more.
func (s *snapped) settled(version string) *lambda.GetFunctionConfigurationOutput {
	s.Helper()
	var out *lambda.GetFunctionConfigurationOutput
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if out, err = s.client.GetFunctionConfiguration(s.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &s.name, Qualifier: &version}); err != nil {
			s.Fatal(err)
		}
		if out.State != types.StatePending {
			return out
		}
	}
	s.Fatalf("version %s is %s", version, out.State)
	return nil
}

// active waits until a version is, and checks what it says of SnapStart.
func (s *snapped) active(version string) {
	s.Helper()
	out := s.settled(version)
	on := out.SnapStart.ApplyOn == types.SnapStartApplyOnPublishedVersions && out.SnapStart.OptimizationStatus == types.SnapStartOptimizationStatusOn
	if out.State != types.StateActive || out.StateReason != nil || !on {
		s.Fatalf("version %s is %s (%s, %s), %+v", version, out.State, out.StateReasonCode, aws.ToString(out.StateReason), out.SnapStart)
	}
}

// remembered is what the function tells of its instance.
type remembered struct {
	Steps      []string
	Began, Now float64
	Drawn      []any
	PID        int
	Type       string
	Module     string

	status           int
	kind, start, why string
	timing           string
}

func (s *snapped) call(version, event string) remembered {
	s.Helper()
	answer, err := http.Post("http://"+s.d.Listen+"/2015-03-31/functions/"+s.name+"/invocations?Qualifier="+version, "application/json", strings.NewReader(event))
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	h := answer.Header
	said := remembered{status: answer.StatusCode, kind: h.Get("X-Amzn-ErrorType"), start: h.Get("X-Lambent-Start"), why: h.Get("X-Lambent-Why"), timing: h.Get("Server-Timing")}
	if body, err := io.ReadAll(answer.Body); err != nil || json.Unmarshal(body, &said) != nil {
		s.Errorf("%s: %v", body, err)
	}
	return said
}

func (s *snapped) log() string {
	s.Helper()
	return s.d.run(s.T, "logs", s.name)
}

// run is the output of one command of the command line on the daemon.
func (d *daemon) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "lambent"), args...)
	cmd.Env = append(os.Environ(), "LAMBENT_DATA="+d.Data, "LAMBENT_LISTEN="+d.Listen, "AWS_ENDPOINT_URL_LAMBDA=http://"+d.Listen)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("lambent %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// logs waits until the log has these texts.
func (s *snapped) logs(texts ...string) {
	s.Helper()
	log := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		log = s.log()
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(log, text) }) {
			return
		}
	}
	s.Errorf("the log lacks one of %q:\n%s", texts, log)
}

// frozen is the metric of the instances that wait.
const frozen = `lambent_idle_instances{state="frozen"}`

var wantSteps = []string{"init", "before 2", "before 1", "after 1", "after 2"}

// The function is initialised before the version is active, its hooks run in AWS's order,
// and a request meets an initialised instance.
func TestSnapStart(t *testing.T) {
	t.Parallel()
	needs(t)
	s := snapStarted(t, up(t, t.TempDir()), variable("SLOW", "0.3"), variable("SLOW_RESTORE", "0.2")) // longer than a busy host makes it wait
	version := s.publish()
	s.active(version)
	asked := float64(time.Now().UnixNano()) / 1e9
	if marked := strings.Count(s.log(), "marker: init"); marked < 1 {
		t.Errorf("%d initialisations before the first request", marked)
	}
	said := s.call(version, `{}`)
	if said.start != "restore" || said.Type != "snap-start" || said.why != "first invocation of this version" || !slices.Equal(said.Steps, wantSteps) {
		t.Errorf("first: %+v", said)
	}
	if said.Began+0.3 > asked {
		t.Errorf("initialised at %f, asked at %f", said.Began, asked)
	}
	if again := s.call(version, `{}`); again.start != "warm" || again.PID != said.PID || !slices.Equal(again.Steps, wantSteps) {
		t.Errorf("second: %+v", again)
	}
	if latest := s.call("$LATEST", `{}`); latest.Type != "on-demand" || latest.start == "restore" || !slices.Equal(latest.Steps, []string{"init"}) {
		t.Errorf("$LATEST: %+v", latest)
	}
	s.logs("INIT_REPORT Init Duration: ", "RESTORE_START Runtime Version: python:", "RESTORE_REPORT Restore Duration: ", "\tRestore Duration: ", "\tBilled Restore Duration: ")
	if why := s.d.run(t, "why", s.name); !strings.Contains(why, "for a restore (SnapStart), because it was the first invocation of this version") {
		t.Errorf("lambent why says:\n%s", why)
	}
}

// More requests at once than instances wait are all answered, each by an instance of its
// own, no two of which draw the same.
func TestSnapStartBurst(t *testing.T) {
	t.Parallel()
	needs(t)
	s := snapStarted(t, up(t, t.TempDir()))
	version := s.publish()
	s.active(version)
	const burst = 8
	var mu sync.Mutex
	var all []remembered
	var group sync.WaitGroup
	for range burst {
		group.Go(func() {
			said := s.call(version, `{"sleep": 1}`)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, said)
		})
	}
	group.Wait()
	starts, drawn := map[string]int{}, map[string]bool{}
	for _, said := range all {
		starts[said.start]++
		if !slices.Equal(said.Steps, wantSteps) || said.Type != "snap-start" {
			t.Errorf("%+v", said)
		}
		for _, d := range said.Drawn {
			drawn[fmt.Sprint(d)] = true
		}
	}
	if len(all) != burst || starts["restore"] < 1 {
		t.Errorf("%d answers, starts %v", len(all), starts)
	}
	pids := burst - starts["warm"] // a late request may have an instance that became free
	if len(drawn) != 3*pids {
		t.Errorf("%d different values drawn by %d instances: %v", len(drawn), pids, starts)
	}
}

// A version whose function cannot be initialised is Failed, with the reason.
func TestSnapStartInitFails(t *testing.T) {
	t.Parallel()
	needs(t)
	d := up(t, t.TempDir())
	for _, test := range []struct {
		name, handler, variable string
		code                    types.StateReasonCode
	}{
		{"unimportable", "nothing.handler", "UNUSED", types.StateReasonCodeFunctionErrorRuntimeInitError},
		{"broken-hook", "snapped.handler", "BREAK_BEFORE", types.StateReasonCodeFunctionErrorRuntimeInitError},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := snapStarted(t, d, variable(test.variable, "1"), func(in *lambda.CreateFunctionInput) {
				in.FunctionName, in.Handler = &test.name, &test.handler
			})
			s.name = test.name
			version := s.publish()
			out := s.settled(version)
			if out.State != types.StateFailed || out.StateReasonCode != test.code || out.SnapStart.OptimizationStatus != types.SnapStartOptimizationStatusOff {
				t.Errorf("%s (%s: %s), %+v", out.State, out.StateReasonCode, aws.ToString(out.StateReason), out.SnapStart)
			}
			if said := s.call(version, `{}`); said.status != http.StatusConflict || said.kind != "ResourceConflictException" {
				t.Errorf("invoked: %d %s", said.status, said.kind)
			}
		})
	}
}

// A hook after the restore that fails, or is too slow, is the caller's error, and the log's.
func TestSnapStartRestoreFails(t *testing.T) {
	t.Parallel()
	needs(t)
	d := up(t, t.TempDir())
	for _, test := range []struct {
		name, variable, value string
		status                int
		kind, line            string
	}{
		{"broken", "BREAK_AFTER", "1", http.StatusBadRequest, "SnapStartException", "Status: error\tError Type: Runtime.AfterRestoreError"},
		{"slow", "SLOW_RESTORE", "60", http.StatusRequestTimeout, "SnapStartTimeoutException", "Status: timeout\tError Type: Runtime.RestoreHookUserTimeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := snapStarted(t, d, variable(test.variable, test.value), func(in *lambda.CreateFunctionInput) { in.FunctionName = &test.name })
			s.name = test.name
			version := s.publish()
			s.active(version)
			if said := s.call(version, `{}`); said.status != test.status || said.kind != test.kind {
				t.Errorf("invoked: %d %s", said.status, said.kind)
			}
			s.logs(test.line)
		})
	}
}

// After a restart of the server, also by kill -9, initialised instances wait again.
func TestSnapStartAfterRestart(t *testing.T) {
	t.Parallel()
	needs(t)
	data := t.TempDir()
	s := snapStarted(t, up(t, data))
	version := s.publish()
	s.active(version)
	before := s.call(version, `{}`)
	s.d.kill()
	s.d = up(t, data)
	s.client = s.d.client()
	awaitGauge(t, s.d, frozen, 2)
	if said := s.call(version, `{}`); said.start != "restore" || said.Drawn[1] == before.Drawn[1] {
		t.Errorf("after the restart: %+v", said)
	}
}

// In gVisor it is the same.
func TestSnapStartInGVisor(t *testing.T) {
	t.Parallel()
	needsGVisor(t)
	s := snapStarted(t, up(t, t.TempDir()), func(in *lambda.CreateFunctionInput) { inGVisor(in) })
	version := s.publish()
	s.active(version)
	if said := s.call(version, `{}`); said.start != "restore" || !slices.Equal(said.Steps, wantSteps) {
		t.Errorf("%+v", said)
	}
}

// A version that is deleted leaves nothing behind.
func TestSnapStartDeletion(t *testing.T) {
	t.Parallel()
	needs(t)
	s := snapStarted(t, up(t, t.TempDir()))
	version := s.publish()
	s.active(version)
	awaitGauge(t, s.d, frozen, 2)
	if _, err := s.client.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: &s.name, Qualifier: &version}); err != nil {
		t.Fatal(err)
	}
	awaitGauge(t, s.d, frozen, 0)
	awaitGauge(t, s.d, "lambent_instance_memory_mib", 0)
}

// AWS's own module, which a function may bring, has the hooks as the runtime's has.
func TestSnapStartWithAWSsModule(t *testing.T) {
	t.Parallel()
	needs(t)
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "/usr/bin/python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--target", dir, "snapshot-restore-py==1.0.0")
	if out, err := install.CombinedOutput(); err != nil {
		lacking(t, "needs pip and PyPI: "+string(out))
	}
	module, err := os.ReadFile(filepath.Join(dir, "snapshot_restore_py.py"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := sources.ReadFile("testdata/snapped.py")
	if err != nil {
		t.Fatal(err)
	}
	s := snapStarted(t, up(t, t.TempDir()), func(in *lambda.CreateFunctionInput) {
		in.Code.ZipFile = zipOf(t, "snapped.py", string(own), "snapshot_restore_py.py", string(module))
	})
	version := s.publish()
	s.active(version)
	if said := s.call(version, `{}`); said.start != "restore" || !slices.Equal(said.Steps, wantSteps) || said.Module != "/var/task/snapshot_restore_py.py" {
		t.Errorf("%+v", said)
	}
}

// A runtime that is started again inside an invocation has its hooks run too.
func TestSnapStartAfterACrash(t *testing.T) {
	t.Parallel()
	needs(t)
	s := snapStarted(t, up(t, t.TempDir()))
	version := s.publish()
	s.active(version)
	first := s.call(version, `{}`)
	_, _ = s.client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &s.name, Qualifier: &version, Payload: []byte(`{"exit": 3}`)})
	if said := s.call(version, `{}`); said.PID == first.PID && said.Began == first.Began || !slices.Equal(said.Steps, wantSteps) {
		t.Errorf("after the crash: %+v", said)
	}
}

// What cannot have SnapStart is refused.
func TestSnapStartRefusals(t *testing.T) {
	t.Parallel()
	needs(t)
	d := up(t, t.TempDir())
	client := d.client()
	refused := func(what string, err error, want string) {
		t.Helper()
		var bad *types.InvalidParameterValueException
		if !errors.As(err, &bad) || bad.ErrorMessage() != want {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	snapStart := &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions}
	in := creation(t, "custom", "snapped.py", "bootstrap")
	in.Runtime, in.SnapStart = types.RuntimeProvidedal2023, snapStart
	_, err := client.CreateFunction(t.Context(), in)
	refused("provided", err, "provided.al2023 is not supported for SnapStart enabled functions.")
	in = creation(t, "large", "snapped.py", "snapped.handler")
	in.EphemeralStorage, in.SnapStart = &types.EphemeralStorage{Size: aws.Int32(513)}, snapStart
	_, err = client.CreateFunction(t.Context(), in)
	refused("storage", err, "SnapStart is not supported with an EphemeralStorage of more than 512 MB.")
	in = creation(t, "many", "snapped.py", "snapped.handler")
	in.Tags, in.SnapStart = map[string]string{"lambent:concurrency": "2"}, snapStart
	_, err = client.CreateFunction(t.Context(), in)
	refused("concurrency", err, "SnapStart is not supported for functions with lambent:concurrency above 1.")

	s := snapStarted(t, d)
	version := s.publish()
	s.active(version)
	_, err = client.PutProvisionedConcurrencyConfig(t.Context(),
		&lambda.PutProvisionedConcurrencyConfigInput{FunctionName: &s.name, Qualifier: &version, ProvisionedConcurrentExecutions: aws.Int32(1)})
	refused("provisioned", err, "Provisioned Concurrency is not supported for SnapStart enabled functions.")
	_, err = client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: &s.name, EphemeralStorage: &types.EphemeralStorage{Size: aws.Int32(1024)}})
	refused("update", err, "SnapStart is not supported with an EphemeralStorage of more than 512 MB.")
}
