package sandboxtest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
)

// secretPlaces are folders of a host that no box has a use for.
func secretPlaces() []string { return []string{"/srv", "/home", "/mnt", "/etc"} }

// tempIn makes a folder that everybody may read, in the first of places that exists.
func (a *arena) tempIn(mode os.FileMode, places ...string) string {
	a.Helper()
	var dir string
	err := errors.New("no place for it")
	for _, place := range places {
		if dir, err = os.MkdirTemp(place, "lambent-attack-"); err == nil {
			break
		}
	}
	if err != nil {
		a.Fatalf("planting: %v", err)
	}
	a.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			a.Errorf("removing what was planted: %v", err)
		}
	})
	if err := os.Chmod(dir, mode); err != nil {
		a.Fatal(err)
	}
	return dir
}

// hostSecret plants a file that anybody on the host may read.
func (a *arena) hostSecret() string {
	a.Helper()
	name := filepath.Join(a.tempIn(0o755, secretPlaces()...), "secret")
	writeFile(a, name, a.secret)
	return name
}

func plantSecret(a *arena) []string { return []string{"read-file", a.hostSecret()} }

// mountPlanted gives the arena a new box with dir at /opt.
func (a *arena) mountPlanted(dir string) {
	a.Helper()
	a.box = a.bound(func(w *sandbox.Workload) {
		w.Mounts = append(w.Mounts, sandbox.Mount{Source: dir, Target: "/opt"})
	})
}

func plantLink(a *arena) []string {
	dir := a.folder("file", "")
	if err := os.Symlink(a.hostSecret(), filepath.Join(dir, "link")); err != nil {
		a.Fatal(err)
	}
	a.mountPlanted(dir)
	return []string{"read-file", "/opt/link"}
}

// plantLinkedFolder links to the folder of a secret.
func plantLinkedFolder(a *arena) []string {
	dir := a.folder("file", "")
	if err := os.Symlink(filepath.Dir(a.hostSecret()), filepath.Join(dir, "lib")); err != nil {
		a.Fatal(err)
	}
	a.mountPlanted(dir)
	return []string{"read-file", "/opt/lib/secret"}
}

// plantWorkingFolder names the secret's path from the root.
func plantWorkingFolder(a *arena) []string { return []string{"climb", a.hostSecret()} }

// plantPathOfInit: whatever the driver's program inside is called, it is the only one there.
func plantPathOfInit(*arena) []string { return []string{"truncate-program", "/.lambent"} }

// codeChanged looks at the host for the code that every box has.
func codeChanged(a *arena, _ Outcome) bool {
	text, err := os.ReadFile(filepath.Join(a.code, "code.txt"))
	return err != nil || string(text) != codeText
}

// plantFormerTmp has a box hide something in its /tmp, and gives the arena a later one.
func plantFormerTmp(a *arena) []string {
	a.output(a.box, "hide", a.secret)
	a.close(a.box)
	a.box = a.bound()
	return []string{"find-hidden"}
}

// plantHandle: any folder of the same file system that the box has will do.
func plantHandle(a *arena) []string {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, a.hostSecret(), 0)
	if err != nil {
		a.Skipf("the file system of %v has no handles: %v", secretPlaces(), err)
	}
	a.mountPlanted(a.tempIn(0o755, secretPlaces()...))
	return []string{"open-by-handle", fmt.Sprint(handle.Type()), hex.EncodeToString(handle.Bytes()), "/opt"}
}

// plantWritable makes the secret the name of the file that the attacker wants to make.
func plantWritable(a *arena) []string {
	dir := a.tempIn(0o777, "/usr/local", "/usr")
	a.secret = filepath.Join(dir, "written")
	return []string{"write-file", a.secret, "x"}
}

// fileAppeared looks at the host for the file that a.secret names.
func fileAppeared(a *arena, _ Outcome) bool {
	_, err := os.Stat(a.secret)
	return err == nil
}

func plantRemount(a *arena) []string {
	dir := a.tempIn(0o777, secretPlaces()...)
	a.mountPlanted(dir)
	a.secret = filepath.Join(dir, "overwritten")
	return []string{"remount", "/opt", "x"}
}

// plantDescriptor opens a file like a careless daemon.
func plantDescriptor(a *arena) []string {
	name := filepath.Join(a.TempDir(), "open")
	writeFile(a, name, a.secret)
	s := a.carelesslyOpen(name)
	return []string{"inherited", fmt.Sprintf("%d:%d", s.Dev, s.Ino)}
}

// plantFolderDescriptor opens the secret's folder like a careless daemon.
func plantFolderDescriptor(a *arena) []string {
	a.carelesslyOpen(filepath.Dir(a.hostSecret()))
	return []string{"read-from-inherited", "secret"}
}

// carelesslyOpen opens a path so that children inherit it, before a driver starts anything
// that its boxes come from, and gives the arena a box of that driver.
func (a *arena) carelesslyOpen(path string) (s unix.Stat_t) {
	a.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { _ = unix.Close(fd) }) // it was open
	if err := unix.Fstat(fd, &s); err != nil {
		a.Fatal(err)
	}
	config := newConfig(a, a.config.Without...)
	config.Preload = a.config.Preload
	a.driver = a.suite.driver(a, config)
	a.template = prepare(a, a.driver, a.suite.base())
	if a.waited {
		a.waiting = a.preloading("wait")
	}
	a.box = a.bound()
	return s
}

// plantSetID puts a set-id copy of the probe into the code.
func plantSetID(t testing.TB, code string) {
	program, err := os.ReadFile(filepath.Join(code, "probe"))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(code, "set-id")
	if err := os.WriteFile(name, program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o755|os.ModeSetuid|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
}

// hostProcess starts a process of the host that ends with the test.
func (a *arena) hostProcess(uid int, args ...string) *exec.Cmd {
	a.Helper()
	c := exec.Command(filepath.Join(a.code, "probe"), args...)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	if err := c.Start(); err != nil {
		a.Fatalf("planting a process: %v", err)
	}
	a.Cleanup(func() {
		_ = c.Process.Kill() // the attacker may have
		_ = c.Wait()         // killed
	})
	return c
}

func plantProcess(a *arena) []string {
	a.hostProcess(0, "sleep", a.secret)
	return []string{"find-process", a.secret}
}

// plantTarget gives the process of the host the attacker's own user id.
func plantTarget(a *arena) []string {
	p := a.start(a.box, probe("catch-term", a.secret))
	a.waitFor(p, "ready")
	uid := printed[[]int](a.rig, a.box, "ids")[0]
	if !a.suite.OwnKernel {
		uid = a.hostUID()
	}
	target := a.hostProcess(uid, "sleep")
	return []string{"kill", fmt.Sprint(target.Process.Pid), fmt.Sprint(int(unix.SIGTERM))}
}

// hostUID returns the user id, as the host counts, of the process that has the secret
// in its arguments.
func (a *arena) hostUID() int {
	a.Helper()
	var uid, pid int
	for _, p := range Take(a, "").processes() {
		if strings.Contains(p, a.secret) {
			if _, err := fmt.Sscan(p, &pid); err != nil {
				a.Fatal(err)
			}
			var s unix.Stat_t
			if err := unix.Stat(fmt.Sprintf("/proc/%d", pid), &s); err != nil {
				a.Fatal(err)
			}
			uid = int(s.Uid)
		}
	}
	if pid == 0 {
		a.Fatal("the host does not see the box's process")
	}
	return uid
}

// plantShm makes a segment that everybody on the host may read.
func plantShm(a *arena) []string {
	key := os.Getpid()<<8 | 1
	id, err := unix.SysvShmGet(key, 4096, unix.IPC_CREAT|unix.IPC_EXCL|0o666)
	if err != nil {
		a.Fatalf("planting shared memory: %v", err)
	}
	a.Cleanup(func() {
		if _, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil); err != nil {
			a.Errorf("removing shared memory: %v", err)
		}
	})
	data, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		a.Fatalf("planting shared memory: %v", err)
	}
	copy(data, a.secret)
	if err := unix.SysvShmDetach(data); err != nil {
		a.Fatal(err)
	}
	return []string{"shm", fmt.Sprint(key)}
}

// isHostFile judges by what the host itself reads in a file.
func isHostFile(name string) func(*arena, Outcome) bool {
	return func(a *arena, o Outcome) bool {
		text, err := os.ReadFile(name)
		if err != nil {
			a.Fatal(err)
		}
		return o.OK && strings.HasPrefix(string(text), o.Value)
	}
}

func isHostname(a *arena, o Outcome) bool {
	name, err := os.Hostname()
	if err != nil {
		a.Fatal(err)
	}
	return o.Value == name
}

// plantHostname has the attacker set a name of its own and takes it back.
func plantHostname(a *arena) []string {
	name, err := os.Hostname()
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() {
		if now, err := os.Hostname(); err == nil && now != hostnameOf(a) {
			return
		}
		if err := unix.Sethostname([]byte(name)); err != nil {
			a.Errorf("restoring the host's name: %v", err)
		}
	})
	return []string{"set-hostname", hostnameOf(a)}
}

// hostnameOf is a name that no other test sets (sethostname(2): 64 bytes).
func hostnameOf(a *arena) string { return a.secret[max(0, len(a.secret)-60):] }

func hostnameChanged(a *arena, _ Outcome) bool {
	name, err := os.Hostname()
	if err != nil {
		a.Fatal(err)
	}
	return name == hostnameOf(a)
}

// plantJoin names a process of the host.
func plantJoin(a *arena) []string {
	return []string{"join-process", fmt.Sprint(a.hostProcess(0, "sleep").Process.Pid)}
}

// plantListener tells the secret to everybody who connects on the host.
func plantListener(network, addr string) func(*arena) []string {
	return func(a *arena) []string {
		l, err := net.Listen(network, addr)
		if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EAFNOSUPPORT) {
			a.Skipf("the host has no %s", addr)
		}
		if err != nil {
			a.Fatalf("planting a listener: %v", err)
		}
		a.tell(l)
		return []string{"connect", network, l.Addr().String()}
	}
}

func plantAbstract(a *arena) []string {
	return plantListener("unix", "@"+a.secret)(a)
}

// tell writes the secret to every connection until the test ends.
func (a *arena) tell(l net.Listener) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, a.secret) // the attacker may have left
			_ = conn.Close()                      // as above
		}
	}()
	a.Cleanup(func() {
		_ = l.Close() // open until here
		<-ended
	})
}

// plantBomb leaves memory for all processes: only their number may stop them.
func plantBomb(args ...any) func(*arena) []string {
	return func(a *arena) []string {
		a.box = a.bound(func(w *sandbox.Workload) { w.Memory = 2 << 30 })
		return with(args...)(a)
	}
}
