package light_test

import (
	"fmt"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
)

// leave is what a function may do to be found by the next one in a box of its own.
var leave = map[string]string{
	"files":   `echo secret > /tmp/secret; mkdir /tmp/d; ln -s secret /tmp/l; echo secret > /dev/shm/secret`,
	"removed": `echo secret > /tmp/secret; rm /tmp/secret`,
	"times":   `touch -a -m -d @1 /tmp 2>/dev/null; touch /tmp`,
	"nothing": `true`,
	"ipc":     `python3 -c 'import ctypes; l = ctypes.CDLL(None); print(l.shmget(7, 4096, 0o1666), l.semget(7, 1, 0o1666), l.msgget(7, 0o1666))'`,
	"limits":  `ulimit -n 10; umask 077; cd /tmp; nice -n 5 true`,
	"memory":  `head -c 20000000 /dev/zero > /dev/shm/big`,
	"many":    `for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done`,
	"nameless": `python3 -c '
import os
f = os.open("/tmp", os.O_TMPFILE | os.O_RDWR)
os.write(f, b"secret" * 1000)
'`,
}

// find prints all that a box has of its own. A fresh one has nothing.
const find = `ls -la /tmp | tail -n +4; ls -A /dev/shm /run /var/tmp; stat -c '%s %a %u %g %h' /tmp; df --output=size,used,avail,iused /tmp /dev/shm
ls -A /var/task; set -- /proc/[0-9]*; echo $#; cat /proc/sysvipc/* | wc -l; ulimit -n; umask; hostname
cat /proc/net/dev /proc/net/tcp /proc/net/unix | wc -l; env | grep -v '^_='; cat /proc/self/cgroup /proc/self/oom_score_adj`

// TestBoxCarriesNothingOfAnEarlierFunction: what is kept for the next box (volumes,
// networks, groups, ids) is as new.
func TestBoxCarriesNothingOfAnEarlierFunction(t *testing.T) {
	template := prepare(t, newDriver(t))
	fresh := ""
	for name, script := range leave {
		for round := range 6 { // some waits, some is made
			box, err := template.Create(t.Context(), fmt.Sprintf("%.30s-%s-%d", id(t), name, round))
			if err != nil {
				t.Fatal(err)
			}
			if err := box.Bind(t.Context(), workload()); err != nil {
				t.Fatal(err)
			}
			found := sh(t, box, find).out
			if fresh == "" {
				fresh = found
			}
			if found != fresh || strings.Contains(found, "secret") {
				t.Errorf("before %s a box has\n%s\nthe first had\n%s", name, found, fresh)
			}
			leaveAndClose(t, box, script)
		}
	}
}

func leaveAndClose(t *testing.T, box sandbox.Sandbox, script string) {
	t.Helper()
	run(t, box, sandbox.Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin", "SECRET=secret"}, Stream: true})
	closeBox(t, box)
}
