package instance

import (
	"sync"

	"lambent.dev/lambent/internal/lambda"
)

// callerSink is a caller's sink that the caller can leave.
type callerSink struct {
	mu   sync.Mutex // guards sink; held while it is written to
	sink lambda.Sink
}

// Head implements lambda.Sink.
func (s *callerSink) Head(h lambda.Head) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sink == nil {
		return nil
	}
	return s.sink.Head(h)
}

// Write implements lambda.Sink. What comes after the caller left is dropped.
func (s *callerSink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sink == nil {
		return len(p), nil
	}
	return s.sink.Write(p)
}

// Finish implements lambda.Sink.
func (s *callerSink) Finish(e *lambda.FunctionError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sink != nil {
		s.sink.Finish(e)
	}
}

// detach takes the sink away; it waits for a write that is under way.
func (s *callerSink) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink = nil
}
