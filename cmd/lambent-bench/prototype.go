package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"

	"golang.org/x/sync/errgroup"
)

// exchange is one request on its way through the function.
type exchange struct {
	body   []byte
	answer chan []byte // holds one
}

// bridge hands requests to the function and its answers back: one at a time, as the
// function asks for one at a time. No limits, no log, no receipt.
type bridge struct {
	waiting chan exchange
	taken   chan exchange // holds the one that the function has
}

// prototype serves requests on addr with a command as the function, this same program if there
// is none, in a process of its own, beside a Runtime API on another port.
func prototype(ctx context.Context, addr string, command []string) error {
	b := &bridge{waiting: make(chan exchange), taken: make(chan exchange, 1)}
	var listen net.ListenConfig
	api, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return serveOn(ctx, api, b.runtimeAPI()) })
	all.Go(func() error { return serve(ctx, addr, http.HandlerFunc(b.invoke)) })
	all.Go(func() error { return runFunction(ctx, api.Addr().String(), command) })
	return all.Wait()
}

var errFunctionEnded = errors.New("the function ended")

// runFunction runs the function until ctx ends. It is an error if that ends first: nobody is left
// who answers.
func runFunction(ctx context.Context, api string, command []string) error {
	if len(command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		command = []string{self}
	}
	child := exec.CommandContext(ctx, command[0], command[1:]...)
	child.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+api)
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		return err
	}
	_ = child.Wait() // its state says the same
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("%w: %v", errFunctionEnded, child.ProcessState)
}

func (b *bridge) invoke(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	e := exchange{body, make(chan []byte, 1)}
	select {
	case b.waiting <- e:
		_, _ = w.Write(<-e.answer)
	case <-r.Context().Done():
	}
}

// runtimeAPI is the part of Lambda's that a healthy function uses.
func (b *bridge) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", b.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", b.response)
	return mux
}

func (b *bridge) next(w http.ResponseWriter, r *http.Request) {
	select {
	case e := <-b.waiting:
		b.taken <- e
		h := w.Header()
		h.Set("Content-Type", "application/json") // without it awslambdaric does not decode the event
		h.Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		h.Set("Lambda-Runtime-Deadline-Ms", "4102444800000")
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:bench")
		_, _ = w.Write(e.body)
	case <-r.Context().Done():
	}
}

func (b *bridge) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the function is gone
	}
	e := <-b.taken
	e.answer <- body
	w.WriteHeader(http.StatusAccepted)
}
