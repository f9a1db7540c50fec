package sdk

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Functions do their worst, some at once; each gets its answer or a clear error, others are
// served meanwhile, it is served again, and nothing of it is left when the daemon ends.
func TestHostileFunctions(t *testing.T) {
	needs(t)
	data := t.TempDir()
	check := watchHost(t, data, binaries)
	d := up(t, data)
	client := d.client()
	deploy(t, client, creation(t, "neighbour", "app.py", "app.echo"))
	answers(t, client, "neighbour", `1`, `1`)
	tests := []struct {
		handler string
		want    string // the answer, or "fault"
		fault   string // the type of the fault; "" = any
	}{
		{handler: "forks", want: "fault"}, // it times out, or is out of memory before
		{handler: "fill", want: `{"error":"No space left on device","mib":513}`},
		{handler: "chatter", want: `"done"`},
		{handler: "descriptors", want: `{"error":"Too many open files","some":true}`},
		{handler: "daemonise", want: `"gone"`},
		{handler: "hang_up", want: "fault", fault: "Runtime.ExitError"},
		{handler: "garbage", want: "fault", fault: "Runtime.ExitError"},
	}
	t.Run("AtOnce", func(t *testing.T) {
		for _, tt := range tests {
			t.Run(tt.handler, func(t *testing.T) {
				t.Parallel()
				in := creation(t, tt.handler, "hostile.py", "hostile."+tt.handler)
				in.Timeout, in.MemorySize = aws.Int32(30), aws.Int32(256)
				if tt.want == "fault" { // it may end by it
					in.Timeout = aws.Int32(5)
				}
				deploy(t, client, in)
				var all sync.WaitGroup
				all.Go(func() {
					for range 5 {
						answers(t, client, "neighbour", `1`, `1`)
					}
				})
				if tt.want == "fault" {
					if f := fails(t, client, tt.handler, `{}`); f.Type == "" || f.Message == "" || tt.fault != "" && f.Type != tt.fault {
						t.Errorf("%+v, want a fault %s", f, tt.fault)
					}
					answers(t, client, tt.handler, `{"fine":true}`, `"fine"`)
				} else {
					answers(t, client, tt.handler, `{}`, tt.want)
					answers(t, client, tt.handler, `{}`, tt.want)
				}
				all.Wait()
			})
		}
	})
	d.stop()
	check()
}

func TestExitDuringInit(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	in := creation(t, "leaver", "hostile.py", "hostile.echo")
	in.Environment = &types.Environment{Variables: map[string]string{"SETTING": "exit during init"}}
	deploy(t, client, in)
	for range 2 {
		f := fails(t, client, "leaver", `{}`)
		if f.Type != "Runtime.ExitError" || !strings.Contains(f.Message, "exit status 3") {
			t.Errorf("%+v", f)
		}
	}
}

// What runs when the operator stops the server is finished and answered.
func TestStopFinishesWhatRuns(t *testing.T) {
	t.Parallel()
	needs(t)
	w := watch(t)
	d := w.up()
	client := d.client()
	in := creation(t, "state", "app.py", "app.state")
	in.Timeout = aws.Int32(20)
	deploy(t, client, in)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		answers(t, client, "state", `{"number":5,"sleep":4}`, `{"number":5,"content":null}`)
	}()
	d.awaitBusy(1)
	began := time.Now()
	d.stop()
	<-answered
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("stopping took %v", took)
	}
	w.leftNothing()
}
