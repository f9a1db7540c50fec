package runtimes

import (
	"slices"

	"lambent.dev/lambent/internal/lambda"
)

// Values that AWS sets; the interpreter's folder goes before. Source: variables of
// the service, recorded; AWS Lambda Developer Guide, "Defined runtime environment
// variables".
const (
	pathOfSystem      = "/usr/local/bin:/usr/bin/:/bin:/opt/bin"
	librariesOfSystem = "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
)

// environment returns the variables of a runtime. language is the interpreter's
// folder, "" for none; execution is the value of AWS_EXECUTION_ENV, which provided
// runtimes lack. A function's own value replaces what AWS lets it replace.
func environment(v *lambda.Version, language, execution string) []string {
	path, libraries := pathOfSystem, librariesOfSystem
	if language != "" {
		path = language + "/bin:" + path
		libraries = language + "/lib:" + libraries
	}
	env := []string{"LAMBDA_TASK_ROOT=" + TaskRoot, "LAMBDA_RUNTIME_DIR=" + RuntimeDir, "PWD=" + TaskRoot}
	if execution != "" {
		env = append(env, "AWS_EXECUTION_ENV="+execution)
	}
	for _, d := range [][2]string{{"PATH", path}, {"LD_LIBRARY_PATH", libraries}, {"LANG", "en_US.UTF-8"}, {"TZ", ":UTC"}} {
		env = append(env, d[0]+"="+own(v, d[0], d[1]))
	}
	slices.Sort(env)
	return env
}

// own is the function's value of a variable, or the default.
func own(v *lambda.Version, name, value string) string {
	if set, ok := v.Environment[name]; ok {
		return set
	}
	return value
}
