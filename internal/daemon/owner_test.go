package daemon

import (
	"os/exec"
	"testing"
)

func TestOwnerIsAliveAsLongAsItsProcess(t *testing.T) {
	if owner := NewOwner(); !Alive(owner) {
		t.Errorf("this process, %s, is not alive", owner)
	}
}

func TestDeadAndForgedOwners(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{"", "x", "1", "1-1", "-1-5", "99999999-1", "1-", NewOwner() + "0"} {
		if Alive(owner) {
			t.Errorf("owner %q is said to be alive", owner)
		}
	}
}
