package lambda

import (
	"errors"
	"testing"
)

func TestBufferCapsByTheByte(t *testing.T) {
	b := Buffer{Cap: 4}
	for _, step := range []struct {
		write string
		fails bool
		kept  string
	}{{"abc", false, "abc"}, {"de", true, "abc"}, {"d", false, "abcd"}, {"", false, "abcd"}, {"e", true, "abcd"}} {
		n, err := b.Write([]byte(step.write))
		if errors.Is(err, ErrResponseTooLarge) != step.fails || step.fails && n != 0 || string(b.Bytes()) != step.kept {
			t.Errorf("after %q: %d, %v, %q", step.write, n, err, b.Bytes())
		}
	}
}

func TestBufferShowsFunctionErrorInstead(t *testing.T) {
	b := Buffer{Cap: 100}
	_ = b.Head(Head{ContentType: "text/plain"})
	_, _ = b.Write([]byte("half an ans"))
	b.Finish(&FunctionError{Type: "Runtime.ExitError", Payload: []byte("{}")})
	if string(b.Bytes()) != "{}" || b.FunctionError().Error() != "Runtime.ExitError" || b.ContentType() != "text/plain" {
		t.Errorf("%q, %v, %q", b.Bytes(), b.FunctionError(), b.ContentType())
	}
}
