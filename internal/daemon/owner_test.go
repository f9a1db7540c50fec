package daemon

import (
	"fmt"
	"os/exec"
	"testing"
)

func TestOwnerIsAliveAsLongAsItsProcess(t *testing.T) {
	if owner := NewOwner(); !Alive(owner) {
		t.Errorf("this process, %s, is not alive", owner)
	}
}

func TestDeadOwners(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{"1-1", "99999999-1", fmt.Sprintf("%d-5", gone.Process.Pid), NewOwner() + "0"} {
		if Alive(owner) {
			t.Errorf("owner %q is said to be alive", owner)
		}
	}
}

func TestOwnersOfAnotherKindAreLeftAlone(t *testing.T) {
	for _, owner := range []string{"", "x", "1", "-1-5", "1-", "1-x", "test-7", "7test-1"} {
		if !Alive(owner) {
			t.Errorf("owner %q is said to be dead", owner)
		}
	}
}
