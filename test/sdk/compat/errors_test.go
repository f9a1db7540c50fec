package compat

import "regexp"

func errorScenarios() []scenario {
	return []scenario{
		{recording: "TestLambdaErrors::test_lambda_handler_error", perform: handlerError},
		{recording: "TestLambdaErrors::test_lambda_handler_exit", perform: handlerExit},
		{
			recording: "TestLambdaErrors::test_lambda_runtime_exit_segfault", perform: segfault,
			differs: map[string]string{"invocation_error": "AWS waits for the timeout of 30 s after the runtime has died; Lambent says at once that a signal ended it"},
		},
		badPayload("body", "n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt"),
		badPayload("message", "\x99\xeb,j\x07\xa1zYh"),
	}
}

// badPayload sends what is no JSON; the names of the recordings spell the bytes.
func badPayload(kind, payload string) scenario {
	spelled := map[string]string{
		"body":    `n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt`,
		"message": `\x99\xeb,j\x07\xa1zYh`,
	}[kind]
	return scenario{
		recording: "TestLambdaErrors::test_lambda_invoke_payload_encoding_error[" + kind + "-" + spelled + "]",
		perform: func(s *session) {
			name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py"))
			see(s, "invoke_function_invalid_payload_"+kind, s.api.Invoke, event(name, payload))
		},
	}
}

func handlerError(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "lambda_handler_error.handler", "fails.py"))
	see(s, "invocation_error", s.api.Invoke, event(name, "{}"))
}

func handlerExit(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "lambda_handler_exit.handler", "leaves.py"))
	see(s, "invocation_error", s.api.Invoke, event(name, "{}"))
}

// died is what Lambent says of a runtime that a signal ended.
var died = regexp.MustCompile(`^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + anyUUID + ` Error: Runtime exited with error: signal: segmentation fault"}$`)

func segfault(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "lambda_runtime_exit_segfault.handler", "segfault.py"))
	do(s, s.api.Invoke, event(name, "{}"))
	if got := s.wire.last; got.Header.Get("X-Amz-Function-Error") != "Unhandled" || !died.Match(got.Body) {
		s.Errorf("invocation_error: %d %s", got.Status, got.Body)
	}
}
