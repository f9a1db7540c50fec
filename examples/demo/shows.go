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
	_, rows, answer, err := s.show(ctx, dir, function{name: "thumbnail", runtime: newestPython(), handler: "app.handler", memory: 256, zip: pkg})
	if err != nil {
		return nil, err
	}
	var made struct{ OriginalWidth, OriginalHeight, Width, Height int }
	if err := json.Unmarshal(answer, &made); err != nil {
		return nil, fmt.Errorf("reading the thumbnail: %w: %s", err, answer)
	}
	note("a picture of %d × %d became one of %d × %d", made.OriginalWidth, made.OriginalHeight, made.Width, made.Height)
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
	fn, rows, answer, err := s.show(ctx, dir, function{name: "checkout", runtime: "provided.al2023", handler: "bootstrap", memory: 128, zip: pkg})
	if err != nil {
		return nil, err
	}
	var bill struct {
		Total    int // hundredths
		Currency string
	}
	if err := json.Unmarshal(answer, &bill); err != nil {
		return nil, fmt.Errorf("reading the bill: %w: %s", err, answer)
	}
	note("a basket: %d.%02d %s", bill.Total/100, bill.Total%100, bill.Currency)
	bad, err := os.ReadFile(filepath.Join(dir, "event-bad.json"))
	if err != nil {
		return nil, err
	}
	return rows, fn.refuses(ctx, bad)
}

// digest compiles and deploys the TypeScript example and sums up a shop's day.
func digest(ctx context.Context, s *server, examples string) ([]row, error) {
	runtime := hostNode(ctx)
	if runtime == "" {
		say("leaving out digest (TypeScript): this host has no node on the PATH")
		return nil, nil
	}
	say("compiling and deploying digest (TypeScript, %s)", runtime)
	dir := filepath.Join(examples, "digest")
	if err := compile(filepath.Join(dir, "index.ts"), filepath.Join(s.dir, "index.js")); err != nil {
		return nil, err
	}
	pkg, err := zipFolder(s.dir, "index.js")
	if err != nil {
		return nil, err
	}
	_, rows, answer, err := s.show(ctx, dir, function{name: "digest", runtime: runtime, handler: "index.handler", memory: 128, zip: pkg})
	if err != nil {
		return nil, err
	}
	var mail struct{ Subject string }
	if err := json.Unmarshal(answer, &mail); err != nil {
		return nil, fmt.Errorf("reading the digest: %w: %s", err, answer)
	}
	note("a day: %s", mail.Subject)
	return rows, nil
}

// show deploys a function and invokes it with the event of its folder, cold and warm.
func (s *server) show(ctx context.Context, dir string, f function) (fn *function, rows []row, answer []byte, err error) {
	if fn, err = s.deploy(ctx, f); err != nil {
		return nil, nil, nil, err
	}
	event, err := os.ReadFile(filepath.Join(dir, "event.json"))
	if err != nil {
		return nil, nil, nil, err
	}
	rows, answer, err = fn.coldAndWarm(ctx, event)
	return fn, rows, answer, err
}
