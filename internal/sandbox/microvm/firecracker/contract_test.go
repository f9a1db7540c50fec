package firecracker_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
	"lambent.dev/lambent/internal/sandbox/microvm/firecracker/described"
)

// serve starts a server that is described on a socket in a folder of its own.
func serve(t testing.TB) (*described.Server, *os.File) {
	t.Helper()
	d, err := described.New()
	if err != nil {
		t.Fatal(err)
	}
	return d, listen(t, d)
}

func listen(t testing.TB, h http.Handler) *os.File {
	t.Helper()
	dir := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(dir, "api.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-ended })
	return open(t, dir)
}

func open(t testing.TB, dir string) *os.File {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func client(t testing.TB, dir *os.File) *firecracker.Client {
	t.Helper()
	c := firecracker.New(func(ctx context.Context) (net.Conn, error) { return firecracker.DialSocket(ctx, dir, "api.sock") })
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// full is a machine that has all there is.
func full() firecracker.Machine {
	return firecracker.Machine{
		MachineConfig: firecracker.MachineConfig{VCPUs: 2, MemoryMiB: 192},
		BootSource:    firecracker.BootSource{Kernel: "/kernel", Initrd: "/initrd", Args: "quiet"},
		Drives: []firecracker.Drive{
			{ID: "base", ReadOnly: true, Path: "/drives/base"}, {ID: "tmp", Path: "/drives/tmp"}, {ID: "code0", ReadOnly: true, Path: "/drives/code0"},
		},
		Interfaces: []firecracker.Interface{{ID: "eth0", Tap: "tap0", MAC: "06:00:ac:10:00:02"}},
		Vsock:      firecracker.Vsock{CID: 3, Socket: "/vsock"},
	}
}

// The same requests against the whole description that came with the release that is installed
// here, so that a release that changed fails.
func TestRequestsFitTheInstalledRelease(t *testing.T) {
	text := installedDescription(t)
	for name, ask := range map[string]func(*firecracker.Client) error{
		"boot": func(c *firecracker.Client) error {
			_, err := c.Version(t.Context())
			return errors.Join(err, c.Boot(t.Context(), full()), c.SetDrive(t.Context(), "code0", "/x"), c.SetBalloon(t.Context(), 64), c.Pause(t.Context()),
				c.Save(t.Context(), firecracker.Snapshot{State: "/state", Memory: "/memory"}), c.Resume(t.Context()))
		},
		"restore": func(c *firecracker.Client) error {
			return c.Restore(t.Context(), firecracker.Snapshot{State: "/state", Memory: "/memory", Interfaces: []firecracker.Interface{{ID: "eth0", Tap: "tap7"}}})
		},
	} {
		d, err := described.Of(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(client(t, listen(t, d))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// installedDescription is where make and `lambent setup microvm` put it.
func installedDescription(t *testing.T) []byte {
	t.Helper()
	for _, dir := range []string{"../../../../bin/microvm", "/usr/local/lib/lambent/microvm"} {
		if text, err := os.ReadFile(filepath.Join(dir, firecracker.Description)); err == nil {
			return text
		}
	}
	t.Skip("no release of Firecracker is installed: lambent setup microvm, where KVM runs guests")
	return nil
}

// A guest's life, from nothing to a snapshot: every request is one that the description has.
func TestBootAndSave(t *testing.T) {
	d, dir := serve(t)
	c := client(t, dir)
	if err := c.Boot(t.Context(), full()); err != nil {
		t.Fatal(err)
	}
	for name, step := range map[string]func() error{
		"drive":   func() error { return c.SetDrive(t.Context(), "code0", "/drives/code0-1") },
		"balloon": func() error { return c.SetBalloon(t.Context(), 64) },
	} {
		if err := step(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := firecracker.Snapshot{State: "/state", Memory: "/memory"}
	if err := c.Save(t.Context(), s); err == nil {
		t.Error("a machine that runs was saved")
	}
	if err := errors.Join(c.Pause(t.Context()), c.Save(t.Context(), s), c.Resume(t.Context())); err != nil {
		t.Error(err)
	}
	version, err := c.Version(t.Context())
	if version != described.Version || err != nil {
		t.Errorf("version %q, %v", version, err)
	}
	want := []string{
		"putMachineConfiguration", "putGuestBootSource", "putGuestDriveByID", "putGuestDriveByID", "putGuestDriveByID", "putGuestNetworkInterfaceByID",
		"putGuestVsock", "putBalloon", "putEntropyDevice", "createSyncAction",
	}
	if asked := d.Asked(); !slices.Equal(asked[:len(want)], want) {
		t.Errorf("asked %v", asked)
	}
}

// A guest that goes on from a snapshot is bound and frozen.
func TestRestoreBindAndFreeze(t *testing.T) {
	d, dir := serve(t)
	d.Saved = []string{"base", "tmp", "code0"}
	c := client(t, dir)
	if _, err := c.Version(t.Context()); err != nil { // nothing was configured by that
		t.Fatal(err)
	}
	s := firecracker.Snapshot{State: "/state", Memory: "/memory", Interfaces: []firecracker.Interface{{ID: "eth0", Tap: "tap7"}}, Socket: "/vsock-2"}
	if err := c.Restore(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := errors.Join(c.SetDrive(t.Context(), "code0", "/drives/code0-1"), c.Pause(t.Context()), c.Pause(t.Context()), c.Resume(t.Context())); err != nil {
			t.Error(err)
		}
	}
	if err := c.Restore(t.Context(), s); err == nil {
		t.Error("a snapshot was loaded into a machine that runs")
	}
}

// Order is Firecracker's to hold. That the model of it refuses is what makes the tests above say something.
func TestOrderIsHeld(t *testing.T) {
	_, dir := serve(t)
	c := client(t, dir)
	for name, err := range map[string]error{
		"drive":   c.SetDrive(t.Context(), "code0", "/x"),
		"balloon": c.SetBalloon(t.Context(), 1),
		"pause":   c.Pause(t.Context()),
		"save":    c.Save(t.Context(), firecracker.Snapshot{State: "/state", Memory: "/memory"}),
	} {
		var refused *firecracker.Refused
		if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || !strings.Contains(refused.Fault, "before starting") {
			t.Errorf("%s before the start: %v", name, err)
		}
	}
	if err := c.Boot(t.Context(), full()); err != nil {
		t.Fatal(err)
	}
	if err := c.Boot(t.Context(), full()); err == nil || !strings.Contains(err.Error(), "after starting") {
		t.Errorf("a second start: %v", err)
	}
}

// What is misspelt, absent, of another type or not described is refused, so that it would be in a
// request of the client's, too.
func TestDescriptionIsStrict(t *testing.T) {
	for name, bad := range map[string]struct{ method, path, body string }{
		"misspelt":             {"PUT", "/machine-config", `{"vcpu_count":1,"mem_size_mb":128}`},
		"misspelt, unneeded":   {"PUT", "/boot-source", `{"kernel_image_path":"/k","initrd":"/i"}`},
		"misspelt inside":      {"PUT", "/snapshot/load", `{"snapshot_path":"/s","mem_backend":{"backend_type":"File","path":"/m"}}`},
		"an absent field":      {"PUT", "/drives/base", `{"drive_id":"base","path_on_host":"/x"}`},
		"another type":         {"PUT", "/vsock", `{"guest_cid":"3","uds_path":"/v"}`},
		"an unknown word":      {"PATCH", "/vm", `{"state":"Stopped"}`},
		"too small":            {"PUT", "/vsock", `{"guest_cid":2,"uds_path":"/v"}`},
		"another method":       {"POST", "/actions", `{"action_type":"InstanceStart"}`},
		"another path":         {"PUT", "/action", `{"action_type":"InstanceStart"}`},
		"no body":              {"PUT", "/actions", ``},
		"a drive of two names": {"PUT", "/drives/a", `{"drive_id":"b","path_on_host":"/x","is_root_device":false}`},
	} {
		d, err := described.New()
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(bad.method, "http://localhost"+bad.path, strings.NewReader(bad.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if _, _, err := d.Read(r); err == nil {
			t.Errorf("%s: %s %s %s was accepted", name, bad.method, bad.path, bad.body)
		}
	}
}
