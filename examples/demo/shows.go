package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// thumbnail deploys the Python example and makes a small picture of a bigger one.
func thumbnail(ctx context.Context, s *server, examples string) ([]row, error) {
	dir := filepath.Join(examples, "thumbnail")
	say("deploying thumbnail (Python, standard library only)")
	pkg, err := zipFolder(dir, "app.py", "png.py", "picture.py", "resize.py")
	if err != nil {
		return nil, err
	}
	fn, err := s.deploy(ctx, function{name: "thumbnail", runtime: newestPython(), handler: "app.handler", memory: 256, zip: pkg})
	if err != nil {
		return nil, err
	}
	event, err := os.ReadFile(filepath.Join(dir, "event.json"))
	if err != nil {
		return nil, err
	}
	rows, answer, err := fn.coldAndWarm(ctx, event)
	if err != nil {
		return nil, err
	}
	say("  a thumbnail: %s", summary(answer, "originalWidth", "originalHeight", "width", "height"))
	return rows, nil
}

// checkout deploys the Go example, prices a basket and is refused a bad one.
func checkout(ctx context.Context, s *server, examples string) ([]row, error) {
	dir := filepath.Join(examples, "checkout")
	say("building and deploying checkout (Go, aws-lambda-go)")
	bootstrap, err := buildGo(ctx, dir, s.dir)
	if err != nil {
		return nil, err
	}
	pkg, err := zipFolder(bootstrap, "bootstrap")
	if err != nil {
		return nil, err
	}
	fn, err := s.deploy(ctx, function{name: "checkout", runtime: "provided.al2023", handler: "bootstrap", memory: 128, zip: pkg})
	if err != nil {
		return nil, err
	}
	event, err := os.ReadFile(filepath.Join(dir, "event.json"))
	if err != nil {
		return nil, err
	}
	rows, answer, err := fn.coldAndWarm(ctx, event)
	if err != nil {
		return nil, err
	}
	say("  a basket: %s", summary(answer, "total", "currency"))
	bad, err := os.ReadFile(filepath.Join(dir, "event-bad.json"))
	if err != nil {
		return nil, err
	}
	return rows, fn.refuses(ctx, bad)
}

// summary picks the members of a JSON object that are worth a line.
func summary(answer []byte, members ...string) string {
	var object map[string]any
	if err := json.Unmarshal(answer, &object); err != nil {
		return string(answer)
	}
	text := ""
	for _, m := range members {
		if v, ok := object[m]; ok {
			text += fmt.Sprintf("%s %v  ", m, v)
		}
	}
	return text
}
