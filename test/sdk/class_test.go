package sdk

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// The weights of boxes with 128 MB, as v1 writes them and as v2 does, and of those that are ahead.
var (
	latencyWeights = []string{"1178", "115", "37683", "3680"}
	batchWeights   = []string{"10", "1"}
)

// TestClasses runs functions that burn all CPUs beside one that is asked all the time. The
// times are shown; what must hold is what the kernel was told, and what `lambent why` says.
func TestClasses(t *testing.T) {
	needs(t)
	d := up(t, t.TempDir())
	client := d.client()
	deploy(t, client, creation(t, "match", "app.py", "app.burn"))
	burner := creation(t, "burn", "app.py", "app.burn")
	burner.Timeout = aws.Int32(60)
	made := deploy(t, client, burner)
	crowd := 2*runtime.NumCPU() + 1
	d.p99(client, 20) // a start is another matter
	shown := fmt.Sprintf("p99 of match alone %v", d.p99(client, 200))

	d.beside(client, crowd, types.InvocationTypeRequestResponse, func() {
		d.weigh(t, crowd+1, 0)
		shown += fmt.Sprintf(", beside %d of its class %v", crowd, d.p99(client, 200))
	})
	d.explains(t)
	d.beside(client, crowd, types.InvocationTypeEvent, func() {
		d.weigh(t, 1, crowd)
		shown += fmt.Sprintf(", beside %d events %v", crowd, d.p99(client, 200))
	})
	if err := tag(t, client, made.FunctionArn, map[string]string{"lambent:class": "batch"}); err != nil {
		t.Fatal(err)
	}
	d.beside(client, crowd, types.InvocationTypeRequestResponse, func() {
		d.weigh(t, 1, crowd)
		shown += fmt.Sprintf(", beside %d of the batch class %v", crowd, d.p99(client, 200))
	})
	t.Log(shown)
}

// beside does something while so many burn.
func (d *daemon) beside(client *lambda.Client, n int, kind types.InvocationType, do func()) {
	d.t.Helper()
	const seconds = 5
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			_, err := client.Invoke(d.t.Context(), &lambda.InvokeInput{
				FunctionName: aws.String("burn"), InvocationType: kind, Payload: fmt.Appendf(nil, `{"seconds":%d}`, seconds),
			})
			if err != nil {
				d.t.Errorf("burning: %v", err)
			}
		})
	}
	awaitUntil(d.t, "all burn", seconds*time.Second, func() bool { return d.metric(`lambent_instances{state="busy"}`) >= float64(n) })
	do()
	all.Wait()
	awaitUntil(d.t, "nothing burns", 3*seconds*time.Second, func() bool { return d.metric(`lambent_instances{state="busy"}`) == 0 && d.drained() })
}

// p99 asks match so many times, a while apart, and says how long the slowest hundredth took.
func (d *daemon) p99(client *lambda.Client, times int) time.Duration {
	d.t.Helper()
	all := make([]time.Duration, times)
	for i := range all {
		began := time.Now()
		invoke(d.t, client, "match", `{"cpu":0.002}`)
		all[i] = time.Since(began).Round(100 * time.Microsecond)
		time.Sleep(5 * time.Millisecond)
	}
	slices.Sort(all)
	return all[times*99/100-1]
}

// weigh holds how many boxes the kernel has in each class. Boxes of a configuration that was
// changed take a while to go.
func (d *daemon) weigh(t *testing.T, latency, batch int) {
	t.Helper()
	want := [2]int{latency, batch}
	var found [2]int
	for range 40 {
		var known bool
		if found, known = d.weights(); !known {
			t.Log("this host has no cgroup cpu controller")
			return
		}
		if found == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%d boxes weigh as the latency class and %d as the batch class, want %v", found[0], found[1], want)
}

// weights counts the boxes by what the kernel was told.
func (d *daemon) weights() (found [2]int, known bool) {
	files, _ := filepath.Glob(fmt.Sprintf("/sys/fs/cgroup/cpu*/lambent/%d-*/*/cpu.shares", d.PID()))
	v2, _ := filepath.Glob(fmt.Sprintf("/sys/fs/cgroup/lambent/%d-*/*/cpu.weight", d.PID()))
	files = slices.CompactFunc(append(files, v2...), func(a, b string) bool { return filepath.Base(filepath.Dir(a)) == filepath.Base(filepath.Dir(b)) })
	for _, file := range files {
		text, _ := os.ReadFile(file)
		switch weight := strings.TrimSpace(string(text)); {
		case slices.Contains(latencyWeights, weight):
			found[0]++
		case slices.Contains(batchWeights, weight):
			found[1]++
		}
	}
	return found, len(files) > 0
}

// explains holds that match's slow requests know their neighbour, and that those which
// waited for a CPU in their instance say so. On a busy host it is Lambent itself that waits.
func (d *daemon) explains(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(binaries, "lambent"), "why", "match", "--data", d.Data, "--most", "10", "--output", "json").Output()
	if err != nil {
		t.Fatalf("lambent why: %v", err)
	}
	var found []slowRequest
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	named := false
	for _, f := range found {
		named = named || f.beside("burn")
		because := strings.Join(f.Because, " ")
		if f.Receipt.WaitingMS >= f.Receipt.WallMS/20 && f.beside("burn") && !strings.Contains(because, "before it reached an instance") {
			t.Logf("%s %q", f.Verdict, f.Because)
			if !strings.Contains(because, "for a CPU beside burn (") {
				t.Errorf("%+v does not name burn", f)
			}
		}
	}
	if !named {
		t.Errorf("none of these knows burn: %s", out)
	}
}

// slowRequest is one that lambent why explains.
type slowRequest struct {
	Verdict string
	Because []string
	Receipt struct {
		WallMS, WaitingMS float64
		Neighbours        []struct{ Function string }
	}
}

// beside says whether a function used most CPU beside it.
func (s *slowRequest) beside(function string) bool {
	return len(s.Receipt.Neighbours) > 0 && s.Receipt.Neighbours[0].Function == function
}
