package agentproto_test

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

func TestAnswersTravel(t *testing.T) {
	cause := &os.PathError{Op: "starting", Path: "/x", Err: syscall.ENOENT}
	for _, want := range []agentproto.Message{
		{Message: initproto.Message{Seq: 1}, Address: "127.0.0.1:9001"},
		{Message: initproto.Failure(2, cause)},
		{Message: initproto.Message{Exit: &initproto.Exit{ID: 3, Signal: syscall.SIGKILL}}},
	} {
		raw, err := initproto.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := agentproto.DecodeMessage(raw)
		if err != nil || got.Seq != want.Seq || got.Address != want.Address || (got.Exit == nil) != (want.Exit == nil) {
			t.Errorf("%s became %+v, %v", raw, got, err)
		}
		if want.Error != "" && !errors.Is(got.Err(), fs.ErrNotExist) {
			t.Errorf("the error is %v", got.Err())
		}
	}
}

// FuzzDecodeMessage: an agent that was taken over may say anything.
func FuzzDecodeMessage(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"Seq":1,"Address":"x"}`, `{"Seq":2,"Error":"x","Errno":2}`, `{"Exit":{"ID":1,"Signal":9}}`, `{"Exit":null,"Seq":-1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := agentproto.DecodeMessage(raw)
		if err == nil && (m.Err() == nil) != (m.Error == "") {
			t.Errorf("%q: error %q became %v", raw, m.Error, m.Err())
		}
	})
}
