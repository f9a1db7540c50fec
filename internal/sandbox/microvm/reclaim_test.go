package microvm

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent"
	"lambent.dev/lambent/internal/sandbox/stage"
)

// hoard is what holds memory in a box's group in a guest's place, and lets it go when the guest goes on.
const hoard = 24 << 20

// A frozen guest goes on for as long as it gives memory away, and is frozen again, also when the one
// who asked has left; what came back is what its control group lost. One that is thawed has all again.
func TestReclaimInflatesTheBalloonOfAFrozenGuest(t *testing.T) {
	needRoot(t)
	b, asked := frozenBox(t)
	freed, err := b.Reclaim(t.Context())
	if err != nil || freed < hoard/2 || freed > 2*hoard {
		t.Errorf("freed %d bytes, %v", freed, err)
	}
	spare := machineMemory(128) - guestOverhead - b.used.Memory - balloonRoom
	want := []string{"Resumed", fmt.Sprint(spare >> 20), "Paused"}
	if got := asked(); !slices.Equal(got, want) || !b.frozen {
		t.Errorf("asked %v, want %v", got, want)
	}
	if freed, err := b.Reclaim(t.Context()); freed != 0 || err != nil {
		t.Errorf("a second time: %d bytes, %v", freed, err)
	}
	if err := b.giveBack(t.Context()); err != nil || b.taken != 0 {
		t.Errorf("giving back: %d bytes are taken, %v", b.taken, err)
	}
	if got := asked(); !slices.Equal(got, append(want, "0")) {
		t.Errorf("asked %v", got)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if freed, err := b.shrink(ctx, b.machine.(ballooned)); freed != 0 || err == nil {
		t.Errorf("for somebody who left: %d bytes, %v", freed, err)
	}
	ctx, leave = context.WithTimeout(t.Context(), 2*balloonStep)
	defer leave()
	if _, err := b.shrink(ctx, b.machine.(ballooned)); err == nil {
		t.Error("nobody left")
	}
	if got := asked(); got[len(got)-1] != "Paused" {
		t.Errorf("a guest goes on: asked %v", got)
	}
}

// frozenBox is one whose machine is asked as described, and says what that was. Its guest uses 40 MiB.
func frozenBox(t *testing.T) (_ *box, asked func() []string) {
	t.Helper()
	_, guest, api := start(t, newFirecracker(t), "idle", parts(t), nil)
	if err := guest.pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	group, held := hoardIn(t)
	var mu sync.Mutex
	var said []string
	api.api.Look = func(operation string, body map[string]any) error {
		mu.Lock()
		defer mu.Unlock()
		switch operation {
		case "patchBalloon":
			said = append(said, fmt.Sprint(body["amount_mib"]))
			_ = held.Kill() // an error says that it gave all already
		case "patchVm":
			said = append(said, body["state"].(string))
		}
		return nil
	}
	b := &box{template: &template{base: sandbox.Base{Memory: 128}}, machine: guest, group: group, frozen: true, Box: agent.Box{ID: "idle"}}
	b.used.Memory = 40 << 20
	b.Bound(nil)
	return b, func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(said) }
}

// hoardIn makes a control group in which something holds memory.
func hoardIn(t *testing.T) (*cgroup.Group, *os.Process) {
	t.Helper()
	host, err := cgroup.Open(defaultCgroupRoot)
	if err != nil {
		t.Fatal(err)
	}
	group, err := host.Create(fmt.Sprintf("reclaim-test-%d", os.Getpid()), "idle", cgroup.Limits{Memory: 256 << 20, Pids: 16})
	if err != nil {
		t.Fatal(err)
	}
	s, err := stage.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.End)
	var held *os.Process
	err = s.Do(t.Context(), func() error {
		return stage.Within(host, group, func() (err error) {
			code := fmt.Sprintf("import time; held = b'x' * %d; time.sleep(600)", hoard)
			sys := &syscall.SysProcAttr{}
			sys.CgroupFD, sys.UseCgroupFD = group.CloneFD()
			held, err = os.StartProcess("/usr/bin/python3", []string{"python3", "-c", code}, &os.ProcAttr{Sys: sys})
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = held.Kill()
		_, _ = held.Wait()
		if err := group.Close(); err != nil {
			t.Error(err)
		}
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if u, err := group.Usage(); err != nil || u.Memory >= hoard || time.Now().After(end) {
			return group, held
		}
	}
}
