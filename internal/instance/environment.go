package instance

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

const (
	taskRoot   = "/var/task"
	runtimeDir = "/var/runtime"
	layersDir  = "/opt"

	// maxPids is AWS's limit of processes and threads (Developer Guide, "Lambda quotas").
	maxPids = 1024
	// memoryOfOneCPU is how many MiB come with one CPU (Developer Guide, "Configure
	// Lambda function memory"). Its weight is 16 times cgroup v2's default: the largest
	// function's is below the most, 10000, and the smallest one's can be divided by a
	// hundred for the batch class. Only functions stand beside functions.
	memoryOfOneCPU = 1769
	weightOfOneCPU = 1600
)

// credentials are placeholders: who calls home is known by its listener, but an SDK
// refuses to start without any.
const (
	placeholderKeyID  = "ASIALAMBENTCALLSHOME"
	placeholderSecret = "lambent-identifies-functions-by-their-sandbox"
)

// reserved are the names that a function's own variables do not override. Source:
// Developer Guide, "Defined runtime environment variables"; the last is Lambent's.
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL", "AWS_LAMBDA_MAX_CONCURRENCY",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "LAMBENT_STREAM",
}

// workload is what makes a sandbox this function's.
func (i *Instance) workload() sandbox.Workload {
	v := &i.target.Version
	return sandbox.Workload{
		Name:      i.target.ID.Name + ":" + v.Version,
		Mounts:    i.mounts,
		Memory:    int64(v.MemorySize) << 20,
		Pids:      maxPids,
		CPUWeight: cpuWeight(v.MemorySize),
		CPUQuota:  i.target.CPUQuota,
		Class:     classOf(i.target),
		Env:       i.environment(),
		Reach:     i.target.Reach,
	}
}

// cpuWeight is in proportion to memory, as Lambda's CPU is.
func cpuWeight(memory int) uint64 {
	return uint64(min(max(memory*weightOfOneCPU/memoryOfOneCPU, 1), 10_000))
}

func (i *Instance) command(path string) sandbox.Command {
	return sandbox.Command{
		Path: path, Args: i.launch.Args, Dir: taskRoot,
		Stdout: i.log, Stderr: i.log,
		Stream: i.launch.Protocol == runtimes.Framed, Direct: i.launch.Direct,
	}
}

// environment is what every command finds: the function's own variables, over them the
// runtime's, which has taken the function's into account, over all the reserved ones.
func (i *Instance) environment() []string {
	env := map[string]string{
		"TZ": ":UTC", "SHLVL": "0", "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000", "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1", "_AWS_XRAY_DAEMON_PORT": "2000",
	}
	if i.homeAddr != "" {
		env["AWS_ENDPOINT_URL_LAMBDA"] = "http://" + i.homeAddr
	}
	for name, value := range i.target.Version.Environment {
		if !slices.Contains(reserved, name) {
			env[name] = value
		}
	}
	for _, pair := range i.launch.Env {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	maps.Copy(env, i.reservedEnvironment())
	return pairs(env)
}

// reservedEnvironment is what names the function. Source: AWS Developer Guide, as
// above; values as recorded from AWS.
func (i *Instance) reservedEnvironment() map[string]string {
	id, v := i.target.ID, &i.target.Version
	env := map[string]string{
		"_HANDLER":   v.Handler,
		"AWS_REGION": id.Region, "AWS_DEFAULT_REGION": id.Region,
		"AWS_ACCESS_KEY_ID": placeholderKeyID, "AWS_SECRET_ACCESS_KEY": placeholderSecret,
		"AWS_SESSION_TOKEN":               i.id,
		"AWS_LAMBDA_FUNCTION_NAME":        id.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     v.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(v.MemorySize),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  initialisationType(i.target),
		"AWS_LAMBDA_LOG_GROUP_NAME":       logGroup(i.target),
		"AWS_LAMBDA_LOG_STREAM_NAME":      i.stream,
		"LAMBDA_TASK_ROOT":                taskRoot,
		"LAMBDA_RUNTIME_DIR":              runtimeDir,
	}
	if i.apiAddr != "" {
		env["AWS_LAMBDA_RUNTIME_API"] = i.apiAddr
	}
	if i.target.Shared() {
		env["AWS_LAMBDA_MAX_CONCURRENCY"] = strconv.Itoa(i.target.Slots())
	}
	if writesJSON(i.target) {
		env["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
		env["AWS_LAMBDA_LOG_LEVEL"] = orDefault(v.Logging.ApplicationLevel, "INFO")
	}
	return env
}

func pairs(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func logGroup(t *lambda.Target) string {
	return orDefault(t.Version.Logging.Group, t.ID.LogGroup())
}

// streamName is how AWS names the log stream of one environment. A log group that may
// be shared has the function's name in it.
func streamName(t *lambda.Target, now time.Time) string {
	name := ""
	if logGroup(t) != t.ID.LogGroup() {
		name = t.ID.Name
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails, see crypto/rand
	return fmt.Sprintf("%s/%s[%s]%s", now.UTC().Format("2006/01/02"), name, t.Version.Version, hex.EncodeToString(id))
}
