package bench

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"lambent.dev/lambent/bench/lambent"
	"lambent.dev/lambent/bench/workloads"
)

// Settings of servers.
const (
	// everyInvokeStarts makes an instance leave after its first request: the cheapest way to
	// make every request a cold start that changes nothing in the function.
	everyInvokeStarts = "LAMBENT_KEEP_ALIVE=0s"
	// fourInstances is memory for four functions of 128 MB; more requests wait.
	fourInstances = "LAMBENT_MEMORY_BUDGET=512"
	// roomForAll is memory for as many instances as are asked for.
	roomForAll = "LAMBENT_MEMORY_BUDGET=10000000"
)

// serve starts a Lambent of its own folder. Whoever asked for it closes it.
func (s *session) serve(ctx context.Context, settings ...string) (*lambent.Server, error) {
	return s.run(ctx, s.o.Program, settings)
}

func (s *session) run(ctx context.Context, program string, settings []string) (*lambent.Server, error) {
	s.servers++
	dir := filepath.Join(s.dir, "server-"+strconv.Itoa(s.servers))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return lambent.Start(ctx, program, dir, append(settings, s.o.Settings...)...)
}

// noStems are the settings that keep no interpreters: a start takes a box that waits without one.
func noStems() []string { return []string{withoutStemsSetting, "LAMBENT_STEMS_FLOOR=0"} }

const (
	withoutStemsSetting = "LAMBENT_STEMS_CEILING=0"
	withoutBoxesSetting = "LAMBENT_BOXES_CEILING=0"
)

// nothingAhead are the settings that keep no boxes either: a start makes one, and forks a zygote
// into it where the language has one.
func nothingAhead() []string {
	return append(noStems(), withoutBoxesSetting, "LAMBENT_BOXES_FLOOR=0")
}

// usual is the server under test.
func usual() Variant { return Variant{Name: "lambent"} }

// variant starts a server of a variant.
func (s *session) variant(ctx context.Context, v Variant, settings ...string) (*lambent.Server, error) {
	return s.run(ctx, cmp.Or(v.Program, s.o.Program), append(settings, v.Settings...))
}

// language is one in which functions are deployed here.
type language struct {
	name    string // "python", "node", "go"
	runtime string
	pack    func(module string) ([]byte, error)
	handler func(module string) string
}

var errNoInterpreter = errors.New("this host has no such interpreter")

// languages lists those of this host: Go as a compiled program on AWS's official client.
func (s *session) languages() []language {
	interpreted := func(l workloads.Language, i Interpreter) language {
		return language{
			name: string(l), runtime: i.Runtime,
			pack:    func(module string) ([]byte, error) { return workloads.Package(l, module) },
			handler: func(module string) string { return module + ".handler" },
		}
	}
	all := []language{interpreted(workloads.Python, s.o.Python), interpreted(workloads.Node, s.o.Node)}
	return append(all, language{
		name: "go", runtime: "provided.al2023", pack: s.packHelper,
		handler: func(string) string { return "bootstrap" },
	})
}

// packHelper zips lambent-bench as a function's bootstrap.
func (s *session) packHelper(string) ([]byte, error) {
	text, err := os.ReadFile(s.o.Helper)
	if err != nil {
		return nil, err
	}
	return workloads.Zip("bootstrap", text, 0o755)
}

// alreadyThere says that a function was deployed before.
func alreadyThere(err error) bool {
	var conflict *types.ResourceConflictException
	return errors.As(err, &conflict)
}

// deploy creates a workload's function. Settings of the function may follow as tags, in pairs.
func (l language) deploy(ctx context.Context, srv *lambent.Server, name, module string, tags ...string) error {
	if l.runtime == "" {
		return errNoInterpreter
	}
	zip, err := l.pack(module)
	if err != nil {
		return err
	}
	f := lambent.Function{Name: name, Runtime: l.runtime, Handler: l.handler(module), Zip: zip, Tags: map[string]string{}}
	for pair := range slices.Chunk(tags, 2) {
		f.Tags[pair[0]] = pair[1]
	}
	return srv.Deploy(ctx, f)
}
