package process

import (
	"os"
	"testing"
)

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (a) S 1 2 3"))
	f.Add([]byte("7 (evil) ) name) Z 1 2 3 0 -1 0 0 0 0 0 5 6 0 0 20 0 1 0 9 4096 7 0"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, ok := parseStat(text); ok && s.state == "" {
			t.Errorf("no state in %q", text)
		}
	})
}

func TestParseStat(t *testing.T) {
	s, ok := parseStat([]byte("7 (evil) ) name) T 1 2 33 0 -1 0 0 0 0 0 5 6 0 0 20 0 1 0 9 4096 7 0"))
	want := stat{state: "T", session: 33, cpu: 11 * clockTick, memory: 7 * int64(os.Getpagesize())}
	if !ok || s != want {
		t.Errorf("parseStat = %+v, %v, want %+v", s, ok, want)
	}
}
