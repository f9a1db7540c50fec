package sandboxtest

import (
	"encoding/json"
	"errors"
	"net"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

func networkFacts() []fact {
	return []fact{
		{name: "ListenIsReachedFromInside", test: listenIsReached},
		{name: "ListenBeforeBind", test: listenBeforeBind},
		{name: "ListenAddrIsAsAsked", test: listenAddrIsAsAsked, needs: isolates},
		{name: "ListenTwoBoxesOnePort", test: listenTwoBoxes, needs: isolates},
		{name: "ListenIsHiddenFromTheHost", test: listenIsHidden, needs: isolates},
		{name: "ListenAgainAfterClose", test: listenAgain},
		{name: "ListenSurvivesReset", test: listenSurvivesReset},
		{name: "ListenEndsWithTheBox", test: listenEndsWithTheBox},
		{name: "ListenRefusesBadAddress", test: listenRefusesBadAddress},
		{name: "DialReachesACommand", test: dialReachesACommand},
		{name: "DialBeforeBind", test: dialBeforeBind},
		{name: "DialToNobody", test: dialToNobody},
		{name: "DialEndsWithContext", test: dialEndsWithContext},
		{name: "DialedConnectionEndsWithReset", test: dialedConnectionEnds},
	}
}

// listen listens inside, on AWS's port of the Runtime API, and reflects what it is told.
func (r *rig) listen(box sandbox.Sandbox) net.Listener {
	r.Helper()
	l, err := box.Listen(r.ctx(), "127.0.0.1:9001")
	if err != nil {
		r.Fatalf("Listen: %v", err)
	}
	r.Cleanup(func() { _ = l.Close() }) // some tests have closed it
	go reflect(l)
	return l
}

// reflect ends with its listener.
func reflect(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		buf := make([]byte, 64)
		n, _ := conn.Read(buf)     // what came is sent back, also nothing
		_, _ = conn.Write(buf[:n]) // the other end judges
		_ = conn.Close()           // as above
	}
}

func (r *rig) dialsFromInside(box sandbox.Sandbox, l net.Listener) {
	r.Helper()
	if got := printed[string](r, box, "dial", l.Addr().String()); got != "hello\n" {
		r.Errorf("from inside the answer is %q", got)
	}
}

func listenIsReached(r *rig) {
	box := r.bound()
	r.dialsFromInside(box, r.listen(box))
}

func listenBeforeBind(r *rig) {
	box := r.generic()
	l := r.listen(box)
	if err := box.Bind(r.ctx(), r.workload()); err != nil {
		r.Fatalf("Bind: %v", err)
	}
	r.dialsFromInside(box, l)
}

func listenAddrIsAsAsked(r *rig) {
	if got := r.listen(r.generic()).Addr().String(); got != "127.0.0.1:9001" {
		r.Errorf("Addr = %s", got)
	}
}

func listenTwoBoxes(r *rig) {
	one, two := r.bound(), r.bound()
	l := r.listen(one)
	r.listen(two)
	r.dialsFromInside(one, l)
}

func listenIsHidden(r *rig) {
	l := r.listen(r.generic())
	if conn, err := net.DialTimeout("tcp", l.Addr().String(), time.Second); err == nil {
		_ = conn.Close() // it should not exist
		r.Error("the host reaches the listener of a box")
	}
}

func listenAgain(r *rig) {
	box := r.bound()
	if err := r.listen(box).Close(); err != nil {
		r.Fatalf("closing the listener: %v", err)
	}
	r.dialsFromInside(box, r.listen(box))
}

func listenSurvivesReset(r *rig) {
	box := r.bound()
	l := r.listen(box)
	r.reset(box)
	r.dialsFromInside(box, l)
}

func listenEndsWithTheBox(r *rig) {
	box := r.generic()
	l, err := box.Listen(r.ctx(), "127.0.0.1:9001")
	if err != nil {
		r.Fatalf("Listen: %v", err)
	}
	ended := make(chan error, 1)
	go func() { _, err := l.Accept(); ended <- err }()
	r.close(box)
	select {
	case err := <-ended:
		if err == nil {
			r.Error("somebody connected to a closed box")
		}
	case <-after(opTimeout):
		_ = l.Close() // lets the goroutine end
		r.Error("Accept hangs after the box was closed")
	}
}

func listenRefusesBadAddress(r *rig) {
	for _, addr := range []string{"", "127.0.0.1", "nonsense", "127.0.0.1:99999999"} {
		if l, err := r.generic().Listen(r.ctx(), addr); err == nil {
			_ = l.Close() // it should not exist
			r.Errorf("Listen took %q", addr)
		}
	}
}

// listening runs a command that listens, and returns its address.
func (r *rig) listening(box sandbox.Sandbox) string {
	r.Helper()
	p := r.start(box, probe("listen", "127.0.0.1:0"))
	r.waitFor(p, "\n")
	var addr string
	if err := json.Unmarshal([]byte(p.stdout.String()), &addr); err != nil {
		r.Fatalf("printed %q", p.stdout)
	}
	return addr
}

func (r *rig) dial(box sandbox.Sandbox, addr string) net.Conn {
	r.Helper()
	conn, err := box.Dial(r.ctx(), addr)
	if err != nil {
		r.Fatalf("Dial: %v", err)
	}
	r.Cleanup(func() { _ = conn.Close() }) // its other end may be gone
	if err := conn.SetDeadline(time.Now().Add(opTimeout)); err != nil {
		r.Fatal(err)
	}
	return conn
}

func dialReachesACommand(r *rig) {
	box := r.bound()
	r.speak(r.dial(box, r.listening(box)))
}

// dialBeforeBind: what the host listens on inside can be dialed already.
func dialBeforeBind(r *rig) {
	box := r.generic()
	l := r.listen(box)
	conn := r.dial(box, l.Addr().String())
	r.speak(conn)
}

func dialToNobody(r *rig) {
	box := r.bound()
	l := r.listen(box)
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		r.Fatal(err)
	}
	if conn, err := box.Dial(r.ctx(), addr); err == nil {
		_ = conn.Close() // it should not exist
		r.Error("Dial reached nobody")
	} else if errors.Is(err, sandbox.ErrClosed) {
		r.Errorf("Dial to nobody says that the box is closed: %v", err)
	}
}

func dialEndsWithContext(r *rig) {
	box := r.bound()
	addr := r.listening(box)
	_, err := box.Dial(r.cancelled(), addr)
	r.want("Dial with a cancelled context", err, errCaller)
}

func dialedConnectionEnds(r *rig) {
	box := r.bound()
	conn := r.dial(box, r.listening(box))
	r.speak(conn)
	r.reset(box)
	r.expectEnd(conn)
}
