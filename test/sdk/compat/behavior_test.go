package compat

import "strings"

func behaviorScenarios() []scenario {
	return []scenario{
		{recording: "TestLambdaBehavior::test_lambda_invoke_with_timeout", perform: invokeTimeout},
		{
			recording: "TestLambdaBehavior::test_lambda_invoke_timed_out_environment_reuse", perform: environmentReuse,
			note: "the answer to the timeout is compared with the newer recording `test_lambda_invoke_with_timeout`: its text has changed",
		},
		{
			recording: "TestLambdaBehavior::test_runtime_ulimits", perform: ulimits,
			differs: map[string]string{
				"invoke_runtime_ulimits/Payload/RLIMIT_CORE":  "no core files: where the kernel would write them is the host's choice",
				"invoke_runtime_ulimits/Payload/RLIMIT_NPROC": "a figure of AWS's guest kernel for its memory; the cgroup's limit counts here",
			},
		},
		{recording: "TestLambdaBehavior::test_runtime_introspection_x86", perform: introspection, differs: owners()},
		{
			recording: "TestLambdaBehavior::test_lambda_init_environment", perform: initEnvironment,
			differs: map[string]string{
				"lambda-init-inspection/Payload/environment/AWS_LAMBDA_RUNTIME_API":  "Python is served over a stream, without a Runtime API in between",
				"lambda-init-inspection/Payload/environment/AWS_ENDPOINT_URL_LAMBDA": "Lambent's own: where functions call functions",
			},
		},
	}
}

func invokeTimeout(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create-result", s.api.CreateFunction, s.usual(name, "handler.handler", "state.py", seconds(1)))
	s.active(name)
	see(s, "invoke-result", s.api.Invoke, event(name, `{"sleep":3}`))
}

func environmentReuse(s *session) {
	s.rec.Observed["invoke-result-timed-out"] = suite.recordings["TestLambdaBehavior::test_lambda_invoke_with_timeout"].Observed["invoke-result"]
	name := s.name("<function-name:1>")
	see(s, "create-result", s.api.CreateFunction, s.usual(name, "handler.handler", "state.py", seconds(1)))
	s.active(name)
	for _, step := range [][2]string{
		{"invoke-result-file-write", `{"content":"some-content"}`},
		{"invoke-result-file-read", `{"read":"content"}`},
		{"invoke-result-set-number", `{"number":42}`},
		{"invoke-result-read-number", `{"read":"number"}`},
		{"invoke-result-timed-out", `{"sleep":3}`},
		{"invoke-result-file-read-after-timeout", `{"read":"content"}`},
		{"invoke-result-read-number-after-timeout", `{"read":"number"}`},
	} {
		see(s, step[0], s.api.Invoke, event(name, step[1]))
	}
}

func ulimits(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "limits.py"))
	see(s, "invoke_runtime_ulimits", s.api.Invoke, event(name, "{}"))
}

func introspection(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "machine.py"))
	see(s, "invoke_runtime_x86_introspection", s.api.Invoke, event(name, "{}"))
}

// owners are the facts about files that differ: Lambent's are the host's, whose root has
// no name in a sandbox.
func owners() map[string]string {
	const step = "invoke_runtime_x86_introspection/Payload/paths/"
	except := map[string]string{}
	for _, fact := range strings.Fields("gid mode owner uid") {
		except[step+"_lambda-entrypoint.sh_"+fact] = "a file of AWS's image that no function needs"
	}
	for _, folder := range strings.Fields("_opt _tmp _var_task") {
		for _, fact := range strings.Fields("gid owner uid") {
			except[step+folder+"_"+fact] = "owned by the host's root, which is nobody in a sandbox"
		}
	}
	return except
}

func initEnvironment(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create-result", s.api.CreateFunction, s.usual(name, "handler.handler", "variables.py", s.python("python3.14")))
	s.active(name)
	see(s, "lambda-init-inspection", s.api.Invoke, event(name, "{}"))
}
