package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// appointment names a request, and whom it waits for.
type appointment struct {
	Name string `json:"name"`
	For  string `json:"for"`
}

// answer says who was answered where.
type answer struct {
	Name    string `json:"name"`
	Request string `json:"request"`
	PID     int    `json:"pid"`
	Most    string `json:"most"`
}

// meeting is a function whose requests can wait for each other.
type meeting struct {
	mu  sync.Mutex // guards met
	met map[string]chan struct{}
}

func newMeeting() *meeting { return &meeting{met: map[string]chan struct{}{}} }

// came is closed when a request of that name comes.
func (m *meeting) came(name string) chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.met[name] == nil {
		m.met[name] = make(chan struct{})
	}
	return m.met[name]
}

func (m *meeting) handle(ctx context.Context, a appointment) (answer, error) {
	close(m.came(a.Name))
	if a.For != "" {
		select {
		case <-m.came(a.For):
		case <-time.After(50 * time.Second):
			return answer{}, errors.New(strconv.Quote(a.For) + " did not come")
		}
	}
	lc, _ := lambdacontext.FromContext(ctx)
	return answer{a.Name, lc.AwsRequestID, os.Getpid(), os.Getenv("AWS_LAMBDA_MAX_CONCURRENCY")}, nil
}
