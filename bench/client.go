package bench

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"lambent.dev/lambent/bench/floor"
	"lambent.dev/lambent/bench/workloads"
)

// plainClient is AWS's runtime client for Python behind the bare Runtime API.
const plainClient = "bare Runtime API, awslambdaric"

// clientPython is the interpreter that awslambdaric is installed for: its compiled part fits no other.
const clientPython = "/usr/bin/python3"

// clientBootstrap is that of a function on AWS's client, in place of Lambent's own.
const clientBootstrap = "#!/bin/sh\nexec " + clientPython + " -m awslambdaric \"$_HANDLER\"\n"

// client says where AWS's runtime client for Python is installed.
func (s *session) client() (string, error) {
	folder := s.o.PythonClient
	if _, err := os.Stat(folder); err != nil {
		return "", fmt.Errorf("awslambdaric is not installed (`make benchneeds` does it): %w", err)
	}
	return folder, nil
}

// awslambdaric deploys what python does, with AWS's runtime client in place of Lambent's own.
func (s *session) awslambdaric() language {
	return language{
		name: "awslambdaric", runtime: "provided.al2023", pack: s.packClient,
		handler: func(module string) string { return module + ".handler" },
	}
}

// packClient zips the client beside a workload's module.
func (s *session) packClient(module string) ([]byte, error) {
	folder, err := s.client()
	if err != nil {
		return nil, err
	}
	text, err := workloads.Source(workloads.Python, module)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	if err := w.AddFS(os.DirFS(folder)); err != nil {
		return nil, fmt.Errorf("packing %s: %w", folder, err)
	}
	err = errors.Join(
		workloads.Add(w, "bootstrap", []byte(clientBootstrap), 0o755),
		workloads.Add(w, module+".py", text, 0o644),
		w.Close(),
	)
	return buf.Bytes(), err
}

// plainClient is the least that hands requests to AWS's client.
func (s *session) plainClient() plain {
	return plain{plainClient, func(ctx context.Context) (*floor.Server, error) {
		folder, err := s.client()
		if err != nil {
			return nil, err
		}
		return floor.StartServer(ctx, s.o.Helper, "prototype", "ADDR",
			"env", "-C", s.scripts, "PYTHONPATH="+folder, clientPython, "-m", "awslambdaric", "hello.handler")
	}}
}
