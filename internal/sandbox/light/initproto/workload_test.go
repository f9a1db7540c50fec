package initproto_test

import (
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
	f.Add([]byte("/\x00/bin/true\x001\x00true\x00A=b\x00"))
	f.Add([]byte("/\x00p\x0099\x00"))
	f.Add([]byte("\x00\x00-1\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := initproto.ParseExecution(text)
		if err != nil {
			return
		}
		if again, err := initproto.ParseExecution(w.Execution()); err != nil || !cmp.Equal(w, again) {
			t.Errorf("%q: %+v became %+v, %v", text, w, again, err)
		}
	})
}
