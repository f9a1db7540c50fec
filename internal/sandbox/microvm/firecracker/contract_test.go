package firecracker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/oasdiff/yaml"

	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
)

// described is a server that accepts what Firecracker's published description says, in the order
// that Firecracker demands, and nothing else.
type described struct {
	router routers.Router
	asked  []string // operations that it did, in order

	fresh   bool // nothing was configured
	running bool
	paused  bool
	boots   bool     // there is something to boot
	drives  []string // that the machine has
	balloon bool
}

// serve starts it on a socket in a folder of its own.
func serve(t testing.TB) (*described, *os.File) {
	t.Helper()
	d := &described{router: description(t), fresh: true}
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

// description reads Firecracker's, and closes it: Firecracker refuses fields that it does not
// know (serde's deny_unknown_fields), which the description leaves open.
func description(t testing.TB) routers.Router {
	t.Helper()
	text, err := os.ReadFile("testdata/firecracker.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var old openapi2.T
	if _, err := yaml.Unmarshal(text, &old, yaml.DecodeOpts{}); err != nil {
		t.Fatal(err)
	}
	doc, err := openapi2conv.ToV3(&old)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	for _, schema := range doc.Components.Schemas {
		if schema.Value != nil && schema.Value.Type.Is("object") {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// ServeHTTP answers as the description says.
func (d *described) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, body, err := d.read(r)
	if err == nil {
		err = d.do(operation, body)
	}
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"fault_message": err.Error()})
		return
	}
	d.asked = append(d.asked, operation)
	if operation == "getFirecrackerVersion" {
		_ = json.NewEncoder(w).Encode(map[string]string{"firecracker_version": "1.17.0"})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// read holds a request against the description.
func (d *described) read(r *http.Request) (operation string, body map[string]any, err error) {
	r.URL.Host, r.URL.Scheme = "localhost", "http"
	route, params, err := d.router.FindRoute(r)
	if err != nil {
		return "", nil, err
	}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		return "", nil, err
	}
	if r.Method != http.MethodGet {
		err = json.NewDecoder(r.Body).Decode(&body)
	}
	if id, has := params["drive_id"]; has && body["drive_id"] != id {
		err = errors.New("the path and the body name two drives")
	}
	return route.Operation.OperationID, body, err
}

// do is what Firecracker's manual says of order: docs/api_requests, docs/snapshotting.
func (d *described) do(operation string, body map[string]any) error {
	before := []string{"putMachineConfiguration", "putGuestBootSource", "putGuestDriveByID", "putGuestNetworkInterfaceByID", "putGuestVsock", "putBalloon", "putEntropyDevice", "loadSnapshot"}
	after := []string{"patchGuestDriveByID", "patchBalloon", "patchVm", "createSnapshot"}
	started := d.running || d.paused
	switch {
	case started && slices.Contains(before, operation):
		return fmt.Errorf("The requested operation is not supported after starting the microVM: %s", operation)
	case !started && slices.Contains(after, operation):
		return fmt.Errorf("The requested operation is not supported before starting the microVM: %s", operation)
	}
	switch operation {
	case "createSyncAction":
		if started || !d.boots {
			return errors.New("nothing can be started")
		}
		d.running = true
	case "loadSnapshot":
		return d.load(body)
	case "createSnapshot":
		if !d.paused {
			return errors.New("the machine is not paused")
		}
	case "patchVm":
		d.paused = body["state"] == "Paused"
		d.running = !d.paused
	case "putGuestBootSource":
		d.boots = true
	case "putGuestDriveByID":
		d.drives = append(d.drives, body["drive_id"].(string))
	case "putBalloon":
		d.balloon = true
	case "patchGuestDriveByID":
		if !slices.Contains(d.drives, body["drive_id"].(string)) {
			return errors.New("there is no such drive")
		}
	case "patchBalloon":
		if !d.balloon {
			return errors.New("there is no balloon")
		}
	}
	d.fresh = d.fresh && operation == "getFirecrackerVersion"
	return nil
}

func (d *described) load(body map[string]any) error {
	_, old := body["mem_file_path"]
	_, now := body["mem_backend"]
	if !d.fresh || old == now {
		return errors.New("Loading a microVM snapshot not allowed after configuring boot-specific resources")
	}
	d.fresh, d.drives, d.balloon = false, []string{"base", "tmp", "code0"}, true
	d.running, d.paused = body["resume_vm"] == true, body["resume_vm"] != true
	return nil
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
	if version != "1.17.0" || err != nil {
		t.Errorf("version %q, %v", version, err)
	}
	want := []string{
		"putMachineConfiguration", "putGuestBootSource", "putGuestDriveByID", "putGuestDriveByID", "putGuestDriveByID", "putGuestNetworkInterfaceByID",
		"putGuestVsock", "putBalloon", "putEntropyDevice", "createSyncAction",
	}
	if !slices.Equal(d.asked[:len(want)], want) {
		t.Errorf("asked %v", d.asked)
	}
}

// A guest that goes on from a snapshot is bound and frozen.
func TestRestoreBindAndFreeze(t *testing.T) {
	_, dir := serve(t)
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
		d := &described{router: description(t), fresh: true}
		r, err := http.NewRequest(bad.method, "http://localhost"+bad.path, strings.NewReader(bad.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if _, _, err := d.read(r); err == nil {
			t.Errorf("%s: %s %s %s was accepted", name, bad.method, bad.path, bad.body)
		}
	}
}
