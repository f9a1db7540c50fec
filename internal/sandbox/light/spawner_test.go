package light_test

import (
	"testing"
	"time"
)

// Whoever kills the spawner ends the boxes that it started, and no more: the next box is made by
// another one, again and again.
func TestTheSpawnerIsStartedAgain(t *testing.T) {
	d := newDriver(t)
	tmpl := prepare(t, d)
	for range 3 {
		s, err := tmpl.Create(t.Context(), id(t))
		if err != nil {
			t.Fatal(err)
		}
		defer closeBox(t, s)
		if err := s.Bind(t.Context(), workload()); err != nil {
			t.Fatal(err)
		}
		if r := sh(t, s, "echo alive"); r.out != "alive\n" {
			t.Errorf("the box said %q", r.out)
		}
		if err := d.Spawner().Kill(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-s.Done():
		case <-time.After(20 * time.Second):
			t.Fatal("the box outlives the spawner")
		}
	}
}
