package sandboxtest

import (
	"encoding/json"
	"os"

	"lambent.dev/lambent/internal/sandbox"
)

func directFacts() []fact {
	return []fact{
		{name: "DirectStreamSpeaksBothWays", test: directSpeaksBothWays},
		{name: "DirectStreamIsAStreamSocket", test: directIsAStreamSocket},
		{name: "DirectStreamIsTheFourthDescriptor", test: directIsTheFourthDescriptor},
		{name: "DirectStreamOpensOnce", test: directOpensOnce},
		{name: "DirectStreamSurvivesACancelledOpen", test: directSurvivesACancelledOpen},
		{name: "DirectStreamEndsWithItsCommand", test: directEndsWithItsCommand},
		{name: "DirectOpenAfterTheCommandEnded", test: directOpenAfterTheEnd},
		{name: "DirectStreamAfterReset", test: directAfterReset},
	}
}

// direct runs a subcommand with one stream in the channel's place.
func (r *rig) direct(box sandbox.Sandbox, args ...string) *running {
	r.Helper()
	c := probe(args...)
	c.Stream, c.Direct = true, true
	return r.start(box, c)
}

func directSpeaksBothWays(r *rig) {
	box := r.bound()
	r.direct(box, "echo-one")
	r.speak(r.open(box))
}

func directIsAStreamSocket(r *rig) {
	p := r.direct(r.bound(), "socket-type")
	if r.exit(p); p.stdout.String() != "[true,true]\n" {
		r.Errorf("unix, stream = %s%s", p.stdout, p.stderr)
	}
}

func directIsTheFourthDescriptor(r *rig) {
	p := r.direct(r.bound(), "fds")
	r.exit(p)
	var fds []int
	if err := json.Unmarshal([]byte(p.stdout.String()), &fds); err != nil || len(fds) != 4 {
		r.Errorf("descriptors = %s, want 0, 1, 2 and the stream", p.stdout)
	}
}

func directOpensOnce(r *rig) {
	box := r.bound()
	r.direct(box, "echo-one")
	conn := r.open(box)
	if _, err := box.Open(r.ctx()); err == nil {
		r.Error("Open gave a second stream to a command with one")
	}
	r.speak(conn)
}

func directSurvivesACancelledOpen(r *rig) {
	box := r.bound()
	r.direct(box, "echo-one")
	_, err := box.Open(r.cancelled())
	r.want("Open with a cancelled context", err, errCaller)
	r.speak(r.open(box))
}

func directEndsWithItsCommand(r *rig) {
	box := r.bound()
	p := r.direct(box, "sleep")
	conn := r.open(box)
	if err := p.Signal(os.Kill); err != nil {
		r.Fatalf("Signal: %v", err)
	}
	r.expectEnd(conn)
}

func directOpenAfterTheEnd(r *rig) {
	box := r.bound()
	r.exit(r.direct(box, "exit", "0"))
	_, err := box.Open(r.ctx())
	r.want("Open after the command ended", err, sandbox.ErrClosed)
}

func directAfterReset(r *rig) {
	box := r.bound()
	r.direct(box, "echo-one")
	conn := r.open(box)
	r.reset(box)
	r.expectEnd(conn)
	r.direct(box, "echo-one")
	r.speak(r.open(box))
}
