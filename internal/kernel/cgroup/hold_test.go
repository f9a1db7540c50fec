package cgroup

import (
	"errors"
	"testing"
)

// What stands at the limit goes on when that is raised, and was not killed.
func TestHoldAtLimit(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 32 << 20, Pids: 32})
	h, err := g.HoldAtLimit()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := spawn(t, g, "eat")
	if err := h.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := g.SetLimits(Limits{Memory: roomy, Pids: 32}); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("eating 64 MiB after the limit was raised: %v", err)
	}
	if u, err := g.Usage(); err != nil || u.OOMKills != 0 {
		t.Errorf("usage %+v, %v: want no kill", u, err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := h.Wait(); err == nil {
		t.Error("Wait after Close returned without an error")
	}
}

func TestV2CannotHoldAtLimit(t *testing.T) {
	g, err := fakeHost(t, newFake(t, memory, pids)).Create("owner", "id", Limits{Memory: 64 << 20, Pids: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.HoldAtLimit(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("HoldAtLimit = %v, want unsupported", err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}
