package initproto_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

func TestExecutionIsReadAsItWasWritten(t *testing.T) {
	for _, want := range []initproto.Workload{
		{Dir: "/var/task", Path: "/var/task/bootstrap", Args: []string{"bootstrap", "", "b c"}, Env: []string{"A=", "B=x=y"}},
		{Dir: "/", Path: "/bin/true", Args: []string{}, Env: []string{}},
	} {
		got, err := initproto.ParseExecution(want.Execution())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

func FuzzParseExecution(f *testing.F) {
	whole := initproto.Workload{Dir: "/", Path: "/bin/true", Args: []string{"true"}, Env: []string{"A=b"}}.Execution()
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(whole[:40])
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0x10, 0, 0, 0, 0}, 6))
	f.Fuzz(func(t *testing.T, image []byte) {
		w, err := initproto.ParseExecution(image)
		if err != nil {
			return
		}
		if again, err := initproto.ParseExecution(w.Execution()); err != nil || !cmp.Equal(w, again) {
			t.Errorf("%q: %+v became %+v, %v", image, w, again, err)
		}
	})
}
