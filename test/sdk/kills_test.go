package sdk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
)

// Functions in all isolations run while processes of theirs are killed at random: runtimes,
// inits, zygotes, spawners, gofers and sentries, QEMU, and the server itself, which is started
// again. Nobody gets a wrong answer, every event that was accepted runs, and nothing is left:
// no process, mount, group, namespace, loop device, link, rule or file; nor do descriptors,
// goroutines and memory of a server grow that lives through it. It has a network of its own, with
// functions that use it: each link and table of rules there is Lambent's.
func TestRandomKills(t *testing.T) {
	needs(t)
	lasts, err := time.ParseDuration(os.Getenv("SOAK_KILLS"))
	if err != nil {
		t.Skip("SOAK_KILLS says for how long: make soak")
	}
	if !inWorld(t) {
		return
	}
	data := t.TempDir()
	check, checkNetwork := watchHost(t, data, binaries), watchNetwork(t)
	r := newRiot(t, data)
	defer func() { t.Log(r.told()) }()
	r.deployAll()
	r.sendEvents()
	r.invokeAll()

	r.killFor(lasts/2, true)
	r.quiet() // the first starts are not what grows
	before := r.size()
	r.killFor(lasts/2, false)
	r.quiet()
	r.wantNoGrowth(before, r.size())

	r.end()
	r.answersAgain()
	awaitUntil(t, "the queue to be empty", 2*time.Minute, r.d.drained)
	r.allRan()
	r.d.stop()
	check()
	checkNetwork()
	wantNoFiles(t, data)
}

// A riot is a server, what clients do to it, and who is killed meanwhile.
type riot struct {
	t      *testing.T
	data   string
	tiers  []string
	file   string // marks of events
	random *rand.Rand

	street sync.RWMutex // clients hold it while they ask; whoever wants quiet takes it alone
	d      *daemon      // changed by who has street alone

	ctx      context.Context
	stop     context.CancelCauseFunc
	all      sync.WaitGroup
	ok, lost atomic.Int64
	fetched  atomic.Int64 // of ok: through the network egress
	mu       sync.Mutex   // protects accepted
	accepted []string
	killed   map[string]int // by what it was
}

// riotSettings make instances leave soon, and stems few: what is there in quiet is the same each time.
var riotSettings = []string{"LAMBENT_ALLOW_PROCESS=true", "LAMBENT_KEEP_ALIVE=1s", "LAMBENT_STEMS_FLOOR=1", "LAMBENT_STEMS_CEILING=2", "LAMBENT_BOXES_FLOOR=0", "LAMBENT_BOXES_CEILING=0", "LAMBENT_LOG_LEVEL=error", "LAMBENT_NETWORK_RESOLVERS=" + internet}

func newRiot(t *testing.T, data string) *riot {
	r := &riot{t: t, data: data, tiers: riotTiers(t), random: rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano()))), killed: map[string]int{}}
	r.ctx, r.stop = context.WithCancelCause(t.Context())
	t.Cleanup(r.end)
	r.d = upWith(t, data, riotSettings...)
	return r
}

// riotTiers are those of this host; in CI all are there.
func riotTiers(t *testing.T) []string {
	t.Helper()
	found := tiers(t)
	made, err := filepath.Abs(filepath.Join("..", "..", "bin", "microvm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(made, "key")); err != nil {
		t.Log("without microvm: run `make microvm`")
		return found
	}
	needsMicroVM(t)
	return append(found, "microvm")
}

func (r *riot) deployAll() {
	client := r.d.client()
	for _, tier := range r.tiers {
		for _, name := range []string{"echo", "state"} {
			in := creation(r.t, tier+"-"+name, "app.py", "app."+name)
			in.Tags, in.Timeout = map[string]string{isolationTag: tier, "lambent:network": "none"}, aws.Int32(60)
			deploy(r.t, client, in)
		}
		in := creation(r.t, tier+"-fetch", "fetch.py", "fetch.handler")
		in.Tags, in.Timeout = map[string]string{isolationTag: tier, "lambent:network": "egress"}, aws.Int32(60)
		deploy(r.t, client, in)
	}
	r.file = marking(r.t, client, "mark", "mark.handler")
}

// do runs once, again and again, as a client of the server that is there.
func (r *riot) do(once func(*lambda.Client) error) {
	r.all.Go(func() {
		for r.ctx.Err() == nil {
			r.street.RLock()
			err := once(r.d.client())
			r.street.RUnlock()
			r.count(err)
		}
	})
}

var errWrong = errors.New("a wrong answer")

// count takes an answer. Whoever's process was killed may be told so, never something wrong.
func (r *riot) count(err error) {
	switch {
	case err == nil:
		r.ok.Add(1)
	case errors.Is(err, errWrong):
		r.t.Error(err)
	default:
		r.lost.Add(1)
		pause(r.ctx, 20*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (r *riot) invokeAll() {
	for _, tier := range r.tiers {
		r.do(func(c *lambda.Client) error {
			event := `{"a": ` + strconv.Itoa(int(rand.Int32())) + `}`
			return r.ask(c, tier+"-echo", event, event)
		})
		r.do(func(c *lambda.Client) error { return r.fetch(c, tier) })
		r.do(func(c *lambda.Client) error {
			return r.ask(c, tier+"-state", `{"sleep":0.2}`, `{"number": 0, "content": null}`)
		})
	}
}

// fetch has a function with the network egress read something on the internet.
func (r *riot) fetch(c *lambda.Client, tier string) error {
	err := r.ask(c, tier+"-fetch", fmt.Sprintf(`{"host": %q, "port": 80}`, internet), strconv.Quote(greeting))
	if err == nil {
		r.fetched.Add(1)
	}
	return err
}

func (r *riot) ask(c *lambda.Client, name, event, want string) error {
	out, err := c.Invoke(r.t.Context(), &lambda.InvokeInput{FunctionName: aws.String(name), Payload: []byte(event)})
	var refused smithy.APIError
	switch {
	case errors.As(err, &refused) && refused.ErrorFault() == smithy.FaultClient && refused.ErrorCode() != "TooManyRequestsException":
		return fmt.Errorf("%w: %s was refused: %w", errWrong, name, err)
	case err != nil:
		return err
	case out.FunctionError != nil:
		return fmt.Errorf("%s: %s", name, out.Payload)
	case string(out.Payload) != want:
		return fmt.Errorf("%w: %s answered %s, want %s", errWrong, name, out.Payload, want)
	}
	return nil
}

func (r *riot) sendEvents() {
	r.do(func(c *lambda.Client) error {
		pause(r.ctx, 20*time.Millisecond)
		id, err := sendEvent(r.t, c, "mark", fmt.Sprintf(`{"file":%q,"sleep":0.02}`, r.file))
		if err == nil {
			r.mu.Lock()
			r.accepted = append(r.accepted, id)
			r.mu.Unlock()
		}
		return err
	})
}

// allRan wants every event that was accepted to have run: at least once, for a server that is
// killed cannot know which did.
func (r *riot) allRan() {
	runs := marks(r.t, r.file)
	for _, id := range r.accepted {
		if runs[id] == 0 {
			r.t.Errorf("event %s was accepted and never ran", id)
		}
	}
}

// killFor kills for a while: in between there is time to start something worth killing.
func (r *riot) killFor(d time.Duration, server bool) {
	for end := time.Now().Add(d); time.Now().Before(end) && !r.t.Failed(); {
		pause(r.ctx, time.Duration(50+r.random.IntN(300))*time.Millisecond)
		if server && r.random.IntN(12) == 0 {
			r.killServer()
			continue
		}
		r.killOne()
	}
}

// killServer kills the server, alone, under load, and starts it again.
func (r *riot) killServer() {
	r.d.kill()
	r.killed["server"]++
	r.street.Lock()
	defer r.street.Unlock()
	r.d = upWith(r.t, r.data, riotSettings...)
}

// killOne kills a process of a kind, each kind as often as the others.
func (r *riot) killOne() {
	kinds := r.victims()
	if len(kinds) == 0 {
		return
	}
	names := slices.Sorted(maps.Keys(kinds))
	kind := names[r.random.IntN(len(names))]
	pids := kinds[kind]
	if syscall.Kill(pids[r.random.IntN(len(pids))], syscall.SIGKILL) == nil {
		r.killed[kind]++
	}
}

// victims are the processes that the server has started, by kind. Those of the tier process,
// which see what the host sees, are left alive: their events must run.
func (r *riot) victims() map[string][]int {
	kinds := map[string][]int{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if pid == os.Getpid() || pid == r.d.PID() || !marked(describeProcess(dir), []string{r.data, binaries}) {
			continue
		}
		if kind := kindOf(dir); kind != "" {
			kinds[kind] = append(kinds[kind], pid)
		}
	}
	return kinds
}

// kindOf names what a process is, for the choice and the account; "" = not to be killed.
func kindOf(dir string) string {
	text, err := os.ReadFile(dir + "/cmdline")
	args := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	if err != nil || args[0] == "" {
		return ""
	}
	base := filepath.Base(args[0])
	switch {
	case strings.HasPrefix(base, "runsc"):
		return verbOf("runsc", args)
	case base == "exe", strings.HasPrefix(base, "lambent"), strings.HasPrefix(base, "qemu"):
		return verbOf(base, args)
	case sameMounts(dir):
		return ""
	}
	return base
}

// verbOf adds the first argument that is no flag.
func verbOf(base string, args []string) string {
	for _, arg := range args[1:] {
		if !strings.HasPrefix(arg, "-") && !strings.ContainsAny(arg, "/=") {
			return base + " " + arg
		}
	}
	return base
}

// quiet stops the clients until no instance is left.
func (r *riot) quiet() {
	r.street.Lock()
	defer r.street.Unlock()
	awaitUntil(r.t, "the queue to be empty", 2*time.Minute, r.d.drained)
	awaitUntil(r.t, "idle instances to leave", time.Minute, func() bool {
		return r.d.metric(`lambent_instances{state="idle"}`)+r.d.metric(`lambent_instances{state="busy"}`)+r.d.metric(`lambent_instances{state="starting"}`) == 0
	})
}

// size is how large a server is that does nothing.
type size struct{ descriptors, goroutines, bytes float64 }

// size takes the least of some looks: stems come and go, and memory is given back late.
func (r *riot) size() size {
	r.street.Lock()
	defer r.street.Unlock()
	var least size
	for i := range 50 {
		now := size{r.d.metric("process_open_fds"), r.d.metric("go_goroutines"), r.d.metric("process_resident_memory_bytes")}
		if i == 0 {
			least = now
		}
		least = size{min(least.descriptors, now.descriptors), min(least.goroutines, now.goroutines), min(least.bytes, now.bytes)}
		pause(r.t.Context(), 100*time.Millisecond)
	}
	return least
}

// What a stem more or less holds, and what memory a heap may take before it is collected.
const (
	descriptorsMore = 60
	goroutinesMore  = 60
	bytesMore       = 64 << 20
)

func (r *riot) wantNoGrowth(before, after size) {
	r.t.Logf("the server: %+v, then %+v", before, after)
	if after.descriptors > before.descriptors+descriptorsMore || after.goroutines > before.goroutines+goroutinesMore || after.bytes > before.bytes+bytesMore {
		r.t.Errorf("the server grew: %+v, then %+v", before, after)
	}
}

// end lets the clients end.
func (r *riot) end() {
	r.stop(errEnough)
	r.all.Wait()
}

// answersAgain wants each function to answer when nobody is killed any more.
func (r *riot) answersAgain() {
	client := r.d.client()
	for _, tier := range r.tiers {
		var err error
		for end := time.Now().Add(time.Minute); time.Now().Before(end); pause(r.t.Context(), 100*time.Millisecond) {
			if err = errors.Join(r.ask(client, tier+"-echo", `"well"`, `"well"`), r.fetch(client, tier)); err == nil {
				break
			}
		}
		if err != nil {
			r.t.Errorf("nobody is killed any more, and still: %v", err)
		}
	}
}

func (r *riot) told() string {
	text := fmt.Sprintf("%d answers, %d of them by the network egress, %d requests lost; %d events; killed", r.ok.Load(), r.fetched.Load(), r.lost.Load(), len(r.accepted))
	for _, kind := range slices.Sorted(maps.Keys(r.killed)) {
		text += fmt.Sprintf(" %d %s,", r.killed[kind], kind)
	}
	return strings.TrimSuffix(text, ",")
}

// wantNoFiles wants a server that has stopped to have left no box's files in its data folder.
// What drivers keep from one start to the next is in their cache.
func wantNoFiles(t *testing.T, data string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "drivers", "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if filepath.Base(filepath.Dir(path)) != "cache" {
			t.Errorf("left in the data folder: %s", path)
		}
	}
}
