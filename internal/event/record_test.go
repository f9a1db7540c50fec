package event

import (
	"bytes"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Whatever lies in the queue, reading it does not panic, and what was read is written the
// same.
func FuzzDecode(f *testing.F) {
	good, err := encode(&lambda.Invocation{RequestID: "id", Function: named("f"), Qualifier: "1", Payload: []byte("{}\n")}, time.Unix(1, 0))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(good), "", "\n", "{}\n{}", "null\n", `{"format":2,"name":"f"}` + "\n", `{"format":1,"name":"f"}`, `{"format":1,"name":"f","accepted":"?"}` + "\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		inv, accepted, err := decode(body)
		if err != nil {
			return
		}
		again, err := encode(inv, accepted)
		if err != nil {
			t.Fatal(err)
		}
		twice, at, err := decode(again)
		if err != nil || !at.Equal(accepted) || !bytes.Equal(twice.Payload, inv.Payload) || twice.Function != inv.Function || twice.RequestID != inv.RequestID {
			t.Errorf("%+v at %v became %+v at %v, %v", inv, accepted, twice, at, err)
		}
	})
}

func TestForeignRecords(t *testing.T) {
	for _, body := range []string{"", "\n", "{}\n{}", `{"format":2,"name":"f"}` + "\n{}", `{"format":1,"name":"f"}`, `{"format":1}` + "\n"} {
		if inv, _, err := decode([]byte(body)); err == nil {
			t.Errorf("%q was read as %+v", body, inv)
		}
	}
}
