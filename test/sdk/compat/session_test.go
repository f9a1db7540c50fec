package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
)

// wire is the HTTP client of one scenario: it keeps the last answer as it was sent.
type wire struct {
	client http.Client
	last   Answer
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	response, err := w.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	w.last = Answer{Operation: awsmiddleware.GetOperationName(r.Context()), Status: response.StatusCode, Header: response.Header, Body: body}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// session performs one scenario and compares it with its recording.
type session struct {
	*testing.T
	api      *lambda.Client
	wire     *wire
	rec      Recording
	bindings Bindings
	except   map[string]string // of the scenario: steps, or paths below them
	left     map[string]bool   // steps that were recorded and not yet performed
	runtimes map[string]string // recorded identifiers and what stood in for them here
	settled  []string          // steps whose read met the state that follows the recorded one
}

func newSession(t *testing.T, sc *scenario) *session {
	if os.Geteuid() != 0 {
		t.Skip("needs root: light sandboxes do")
	}
	rec, ok := suite.recordings[sc.recording]
	if !ok {
		t.Fatalf("no recording of %s", sc.recording)
	}
	s := &session{
		T: t, rec: rec, except: sc.leftOut(), bindings: Bindings{}, left: map[string]bool{}, runtimes: map[string]string{},
		wire: &wire{client: http.Client{Timeout: time.Minute}},
	}
	options := suite.daemon.Options()
	options.HTTPClient = s.wire
	s.api = lambda.New(options)
	for step := range rec.Observed {
		s.left[step] = s.except[step] == ""
	}
	return s
}

// operation is a method of the SDK's client.
type operation[I, O any] func(context.Context, *I, ...func(*lambda.Options)) (*O, error)

// see performs one recorded step and compares its answer.
func see[I, O any](s *session, step string, op operation[I, O], in *I) *O {
	s.Helper()
	s.wire.last = Answer{}
	out, err := op(s.Context(), in)
	s.check(step, s.expected(step), err)
	return out
}

// seeSettling is see for a step that reads a function while the service is at work on
// it: Lambent may have finished by then, so the state after that is as good.
func seeSettling[I, O any](s *session, step string, op operation[I, O], in *I) *O {
	s.Helper()
	s.wire.last = Answer{}
	out, err := op(s.Context(), in)
	want := s.expected(step)
	if !strings.Contains(string(s.wire.last.Body), `"InProgress"`) && !strings.Contains(string(s.wire.last.Body), `"Pending"`) {
		want = settled(want)
		s.settled = append(s.settled, step)
	}
	s.check(step, want, err)
	return out
}

// settled is a recorded state as it is when the work has been done. Each change of state
// gives another revision, which the recording does not show.
func settled(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	after := make(map[string]any, len(m))
	for key, value := range m {
		after[key] = settled(value)
	}
	if after["State"] != nil {
		for _, key := range []string{"StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"} {
			delete(after, key)
		}
		after["State"], after["LastUpdateStatus"], after["RevisionId"] = "Active", "Successful", "<uuid>"
	}
	return after
}

// do performs a step that no recording shows: it must succeed.
func do[I, O any](s *session, op operation[I, O], in *I) *O {
	s.Helper()
	s.wire.last = Answer{}
	out, err := op(s.Context(), in)
	if err != nil {
		s.Fatalf("%s: %v", s.wire.last.Operation, err)
	}
	return out
}

// seeValue compares a step that is no answer but something made of answers.
func (s *session) seeValue(step string, got any) {
	s.Helper()
	s.report(step, s.bindings.Compare(s.expected(step), got))
}

// expected is what was recorded for a step.
func (s *session) expected(step string) any {
	s.Helper()
	want, ok := s.rec.Step(step)
	if !ok {
		s.Fatalf("nothing was recorded for step %s", step)
	}
	s.left[step] = false
	want = s.substitute(want)
	for path := range s.except {
		if below, ok := strings.CutPrefix(path, step+"/"); ok {
			s.anything(want, strings.Split(below, "/"))
		}
	}
	return want
}

// anything lets the value at a path be any, or none, whether one was recorded or not.
func (s *session) anything(want any, path []string) {
	s.Helper()
	m, ok := want.(map[string]any)
	if !ok {
		s.Fatalf("no members were recorded above %v", path)
	}
	if len(path) > 1 {
		s.anything(m[path[0]], path[1:])
		return
	}
	m[path[0]] = Anything
}

// check compares the last answer with what was recorded, and the error that the SDK made
// of it with the answer.
func (s *session) check(step string, want any, err error) {
	s.Helper()
	if s.wire.last.Status == 0 {
		s.Errorf("%s: no answer: %v", step, err)
		return
	}
	got, broken := s.wire.last.Observed()
	if broken != nil {
		s.Errorf("%s: %v", step, broken)
		return
	}
	if s.otherStatus(step, want) {
		return
	}
	s.report(step, s.bindings.Compare(want, any(got)))
	if amiss := s.wire.last.Malformed(); amiss != "" {
		s.Errorf("%s: %s", step, amiss)
	}
	s.checkError(step, got, err)
}

// otherStatus reports an answer of another kind as a whole.
func (s *session) otherStatus(step string, want any) bool {
	s.Helper()
	recorded, _ := want.(map[string]any)["ResponseMetadata"].(map[string]any)
	if status := recorded["HTTPStatusCode"]; status != float64(s.wire.last.Status) {
		s.Errorf("%s: answered %d %.300s, recorded %v", step, s.wire.last.Status, s.wire.last.Body, status)
		return true
	}
	return false
}

// checkError holds the SDK's view against the wire's: it read the answer as one.
func (s *session) checkError(step string, got map[string]any, err error) {
	s.Helper()
	failure, isFailure := got["Error"].(map[string]any)
	var refused smithy.APIError
	switch {
	case !isFailure && err != nil:
		s.Errorf("%s: the SDK could not read the answer: %v", step, err)
	case isFailure && !errors.As(err, &refused):
		s.Errorf("%s: the SDK saw no error: %v", step, err)
	case isFailure && (refused.ErrorCode() != failure["Code"] || refused.ErrorMessage() != failure["Message"]):
		s.Errorf("%s: the SDK read %s: %s", step, refused.ErrorCode(), refused.ErrorMessage())
	}
}

func (s *session) report(step string, differences []string) {
	s.Helper()
	for _, d := range differences {
		s.Errorf("%s: %s", step, d)
	}
}

// finish fails the scenario unless all that was recorded was performed.
func (s *session) finish() {
	for step, left := range s.left {
		if left && !s.Failed() {
			s.Errorf("step %s was recorded and not performed", step)
		}
	}
}

// name makes a name that no other scenario uses and binds a placeholder to it.
func (s *session) name(token string) string {
	s.Helper()
	name := fmt.Sprintf("compat-%x-%d", time.Now().UnixNano(), len(s.bindings))
	s.bind(token, name)
	return name
}

func (s *session) bind(token, value string) {
	s.Helper()
	if err := s.bindings.Bind(token, value); err != nil {
		s.Fatal(err)
	}
}

// substitute puts the runtimes that stood in for recorded ones into a recorded step.
func (s *session) substitute(v any) any {
	switch v := v.(type) {
	case []any:
		items := make([]any, len(v))
		for i := range v {
			items[i] = s.substitute(v[i])
		}
		return items
	case map[string]any:
		members := make(map[string]any, len(v))
		for key, value := range v {
			members[key] = s.substituteMember(key, value)
		}
		return members
	}
	return v
}

func (s *session) substituteMember(key string, v any) any {
	text, ok := v.(string)
	if !ok {
		return s.substitute(v)
	}
	for recorded, here := range s.runtimes {
		if key == "Runtime" && text == recorded || key == "AWS_EXECUTION_ENV" && text == "AWS_Lambda_"+recorded {
			return strings.Replace(text, recorded, here, 1)
		}
	}
	return v
}

// until repeats a step for the bounded time in which it may still come true.
func (s *session) until(what string, ok func() bool) {
	s.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("%s: not within 20 s; the last answer was %d %.300s", what, s.wire.last.Status, s.wire.last.Body)
		}
	}
}

// same compares two values that a scenario must find equal.
func (s *session) same(what string, got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Errorf("%s is %v, want %v", what, got, want)
	}
}
