package described

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/oasdiff/yaml"
)

//go:embed firecracker.yaml
var text []byte

// Server accepts what the description says, in the order that Firecracker demands, and nothing
// else. It is an http.Handler; requests are done one after the other.
type Server struct {
	// Look is told of each operation with its body before it is done; its error refuses it. nil = nobody.
	Look func(operation string, body map[string]any) error

	// Saved are the drives of the machine whose snapshot is loaded.
	Saved []string

	router routers.Router

	mu      sync.Mutex // protects the fields below
	asked   []string   // operations that it did, in order
	fresh   bool       // nothing was configured
	running bool
	paused  bool
	boots   bool     // there is something to boot
	drives  []string // that the machine has
	balloon bool
}

// New makes a server of the description that is kept here.
func New() (*Server, error) { return Of(text) }

// Of reads a description, and closes it: Firecracker refuses fields that it does not know (serde's
// deny_unknown_fields), which the description leaves open.
func Of(text []byte) (*Server, error) {
	var old openapi2.T
	if _, err := yaml.Unmarshal(text, &old, yaml.DecodeOpts{}); err != nil {
		return nil, err
	}
	doc, err := openapi2conv.ToV3(&old)
	if err != nil {
		return nil, err
	}
	closed := false
	for _, schema := range doc.Components.Schemas {
		if schema.Value != nil && schema.Value.Type.Is("object") {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	return &Server{router: router, fresh: true}, nil
}

// Asked are the operations that it did, in order.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// ServeHTTP implements http.Handler: it answers as the description says.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, body, err := s.Read(r)
	if err == nil && s.Look != nil {
		err = s.Look(operation, body)
	}
	if err == nil {
		err = s.do(operation, body)
	}
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"fault_message": err.Error()})
		return
	}
	if operation == "getFirecrackerVersion" {
		_ = json.NewEncoder(w).Encode(map[string]string{"firecracker_version": Version})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Version is what it says of itself.
const Version = "1.17.0"

// Read holds a request against the description, and says which operation it is.
func (s *Server) Read(r *http.Request) (operation string, body map[string]any, err error) {
	r.URL.Host, r.URL.Scheme = "localhost", "http"
	route, params, err := s.router.FindRoute(r)
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
func (s *Server) do(operation string, body map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := []string{"putMachineConfiguration", "putGuestBootSource", "putGuestDriveByID", "putGuestNetworkInterfaceByID", "putGuestVsock", "putBalloon", "putEntropyDevice", "loadSnapshot"}
	after := []string{"patchGuestDriveByID", "patchBalloon", "patchVm", "createSnapshot"}
	started := s.running || s.paused
	switch {
	case started && slices.Contains(before, operation):
		return fmt.Errorf("the requested operation is not supported after starting the microVM: %s", operation)
	case !started && slices.Contains(after, operation):
		return fmt.Errorf("the requested operation is not supported before starting the microVM: %s", operation)
	}
	switch operation {
	case "createSyncAction":
		if started || !s.boots {
			return errors.New("nothing can be started")
		}
		s.running = true
	case "loadSnapshot":
		return s.load(body)
	case "createSnapshot":
		if !s.paused {
			return errors.New("the machine is not paused")
		}
	case "patchVm":
		s.paused = body["state"] == "Paused"
		s.running = !s.paused
	case "putGuestBootSource":
		s.boots = true
	case "putGuestDriveByID":
		s.drives = append(s.drives, body["drive_id"].(string))
	case "putBalloon":
		s.balloon = true
	case "patchGuestDriveByID":
		if !slices.Contains(s.drives, body["drive_id"].(string)) {
			return errors.New("there is no such drive")
		}
	case "patchBalloon":
		if !s.balloon {
			return errors.New("there is no balloon")
		}
	}
	s.fresh = s.fresh && operation == "getFirecrackerVersion"
	s.asked = append(s.asked, operation)
	return nil
}

func (s *Server) load(body map[string]any) error {
	_, old := body["mem_file_path"]
	_, now := body["mem_backend"]
	if !s.fresh || old == now {
		return errors.New("loading a microVM snapshot is not allowed after configuring boot-specific resources")
	}
	s.fresh, s.drives, s.balloon = false, slices.Clone(s.Saved), true
	s.running, s.paused = body["resume_vm"] == true, body["resume_vm"] != true
	s.asked = append(s.asked, "loadSnapshot")
	return nil
}
