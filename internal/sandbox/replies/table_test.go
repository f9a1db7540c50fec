package replies_test

import (
	"context"
	"errors"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/replies"
)

func TestRepliesReachWhoAsked(t *testing.T) {
	table := replies.New[string](nil)
	first, one := table.Expect()
	posted := table.Number()
	second, two := table.Expect()
	if first == posted || posted == second || first == second {
		t.Fatalf("numbers %d, %d, %d are not three", first, posted, second)
	}
	table.Deliver(posted, "nobody waits")
	table.Deliver(second, "second")
	table.Deliver(first, "first")
	table.Deliver(first, "again")
	for want, reply := range map[string]<-chan string{"first": one, "second": two} {
		if got, err := table.Await(t.Context(), reply); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestForgottenReplyIsDropped(t *testing.T) {
	table := replies.New[string](nil)
	number, reply := table.Expect()
	table.Forget(number)
	table.Deliver(number, "late")
	gone, errGone := context.Background(), errors.New("gone")
	gone, cancel := context.WithCancelCause(gone)
	cancel(errGone)
	if got, err := table.Await(gone, reply); !errors.Is(err, errGone) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestEndOfConversation(t *testing.T) {
	ended := make(chan struct{})
	close(ended)
	table := replies.New[string](ended)
	answered, last := table.Expect()
	_, never := table.Expect()
	table.Deliver(answered, "last")
	if got, err := table.Await(t.Context(), last); err != nil || got != "last" {
		t.Errorf("what came before the end is %q, %v", got, err)
	}
	if _, err := table.Await(t.Context(), never); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("what never came: %v", err)
	}
}
